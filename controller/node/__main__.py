"""``python -m controller.node``: the node without the rest of the command line."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from controller.node.config import ENGINES, USUAL_PROFILE, NodeConfig, named
from controller.node.profile import PROFILES
from controller.node.release import NEWEST, RELEASES
from controller.node.serve import serve
from controller.node.tls import VALID_DAYS


def main() -> int:
    parser = argparse.ArgumentParser(prog="controller.node", description="A Proxmox-compatible node on this machine.")
    parser.add_argument("--listen", default="127.0.0.1:8006", help="loopback address and port; port 0 takes a free one")
    parser.add_argument("--nodes", type=int, default=1, help="how many nodes the cluster has")
    parser.add_argument("--profile", choices=sorted(PROFILES), help="how long things take (real; lxc: instant)")
    parser.add_argument("--version", choices=[*RELEASES], default=NEWEST.name, help="which Proxmox VE it answers like")
    parser.add_argument("--seed", type=int, default=0, help="of durations and faults")
    parser.add_argument("--directory", type=Path, help="for certificates and tokens (default: .winux-node)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep the cluster there over restarts")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="play a script of faults over time")
    parser.add_argument("--certificate-days", type=int, default=VALID_DAYS, help="how long its certificate is good")
    parser.add_argument("--engine", choices=ENGINES, default="memory", help="what containers are")
    parser.add_argument("--image", type=Path, metavar="FILE", help="what containers of the engine lxc are made from")
    parser.add_argument("--home", type=Path, metavar="DIR", help="where they are (default: /var/lib/winux)")
    parser.add_argument("--internet", action="store_true", help="let them reach what is beyond this machine")
    parser.add_argument("--json", action="store_true", help="print one JSON line when it serves")
    parser.add_argument("--write-config", type=Path, metavar="FILE", help="write a winux.yaml for a controller")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    config = NodeConfig(
        listen=arguments.listen,
        nodes=named(arguments.nodes),
        profile=arguments.profile or USUAL_PROFILE[arguments.engine],
        version=arguments.version,
        seed=arguments.seed,
        directory=arguments.directory or arguments.state or Path(".winux-node"),
        state=arguments.state,
        faults=arguments.faults,
        certificate_days=arguments.certificate_days,
        engine=arguments.engine,
        image=arguments.image,
        home=arguments.home,
        internet=arguments.internet,
    )
    return serve(config, json_line=arguments.json, write_config=arguments.write_config)


if __name__ == "__main__":
    sys.exit(main())
