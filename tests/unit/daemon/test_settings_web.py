"""The section ``web`` of the settings: its mistakes, one sentence each, and its variables."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from controller.daemon.settings import Settings, SettingsError, load
from controller.daemon.settings_web import Mode
from controller.daemon.web import options_of, rules_of

ENOUGH = {
    "WINUX_PROXMOX__URL": "https://pve1:8006",
    "WINUX_PROXMOX__TOKEN_ID": "sessions@pve!controller",
    "WINUX_PROXMOX__TOKEN_SECRET": "s",
}


def loaded(tmp_path: Path, web: str, **variables: str) -> Settings:
    file = tmp_path / "winux.yaml"
    file.write_text(f"web: {web}\n", encoding="utf-8")
    return load(file, ENOUGH | variables)


def test_without_a_word_there_is_no_page() -> None:
    assert load(None, ENOUGH).web.listen is None
    assert load(None, ENOUGH).web.mode is Mode.OPEN


MISTAKES = [
    ("{listen: here}", '1:15: web.listen: found "here"; allowed is ADDRESS:PORT such as 127.0.0.1:9464, or unix:PATH'),
    ("{mode: closed}", '1:13: web.mode: "closed" is not allowed; write one of open, token, proxy, oidc'),
    ("{mode: token}", "web: mode is token and tokensFile is missing; name the file with the tokens"),
    ("{mode: proxy}", "web: mode is proxy and trustedProxies is empty; name the addresses of the proxies"),
    (
        "{mode: oidc, publicUrl: 'https://a', oidc: {clientId: a, issuer: 'https://b'}}",
        "web: mode is oidc; give oidc.clientSecretFile too",
    ),
    ("{publicUrl: desktops}", '1:18: web.publicUrl: "desktops" is not the address of a site; write one such as '
     "https://desktops.example.org"),
    ("{publicUrl: 'https://a/b'}", '1:18: web.publicUrl: "https://a/b" has a path; write only scheme and host, such as '
     "https://desktops.example.org"),
    ("{trustedProxies: [10.0.0.1/8]}", '1:7: web.trustedProxies: "10.0.0.1/8" is not a network, such as 10.0.0.0/8, or '
     "an address"),
    ("{quotas: {total: 0}}", "1:18: web.quotas.total: 0 is not allowed; write a whole number from 1 to 1000000, or "
     "unlimited"),
    ("{quotas: {perTemplate: {xfce: many}}}", '1:11: web.quotas.perTemplate: "many" is not allowed for xfce; write a '
     "whole number from 0 to 1000000"),
    ("{rate: {per: 3}}", '1:14: web.rate.per: 3 is a number; write a duration with units such as "3s" or "1h30m"'),
    ("{templates: 3}", "1:13: web.templates: 3 is not a list of names of templates, such as [default, xfce]"),
    ("{wait: 2m}", "1:13: web.wait: 120 seconds are not allowed; write a duration from 0s to 55s"),
    ("{captcha: {siteKey: a}}", "web.captcha: url, siteKey and secretFile belong together; give all of them, or none"),
    ("{proxy: {header: 'X User'}}", '1:17: web.proxy.header: "X User" is not the name of a header, such as '
     '"X-Remote-User"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[text for text, _ in MISTAKES])
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text)
    (sentence,) = caught.value.problems
    place, _, said = sentence.removeprefix(f"{tmp_path}/winux.yaml:").strip().partition("web")
    wanted_place, _, wanted = expected.partition("web")
    assert said == wanted
    assert bool(place) == bool(wanted_place), sentence


def test_lists_and_mappings_stand_in_variables_too() -> None:
    web = load(
        None,
        ENOUGH
        | {
            "WINUX_WEB__TEMPLATES": "xfce, default",
            "WINUX_WEB__TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8",
            "WINUX_WEB__QUOTAS__PER_TEMPLATE": "xfce=2, default=3",
            "WINUX_WEB__QUOTAS__TOTAL": "unlimited",
            "WINUX_WEB__ROLES__ADMINS": "wheel",
        },
    ).web
    assert web.templates == ("xfce", "default")
    assert web.trusted_proxies == (ip_network("127.0.0.1"), ip_network("10.0.0.0/8"))
    assert web.quotas.per_template == {"xfce": 2, "default": 3}
    assert web.quotas.total is None
    assert web.roles.admins == ("wheel",)


def test_a_proxy_on_a_unix_socket_needs_no_address(tmp_path: Path) -> None:
    assert loaded(tmp_path, "{listen: 'unix:/run/winux/web.sock', mode: proxy}").web.mode is Mode.PROXY


def test_rules_and_options_say_what_the_settings_say(tmp_path: Path) -> None:
    web = loaded(
        tmp_path, "{quotas: {perPerson: 1}, rate: {launches: 2, per: 5s}, maxDuration: 1h, templates: [a]}"
    ).web
    rules = rules_of(web)
    assert (rules.quotas.total, rules.quotas.per_person, rules.quotas.per_address) == (50, 1, 10)
    assert (rules.rate.times, rules.rate.per, rules.max_duration) == (2, 5, 3600)
    assert rules.usual_template == "a"
    assert (rules.offers("a"), rules.offers("default")) == (True, False)
    assert (options_of(web).mode, options_of(web).wait) == ("open", 25)
