"""The engine ``lxc``: real containers on this machine, made with Debian's LXC. Needs root.

``engine`` is what the cluster talks to; ``container`` does the blocking work of one container; the other modules are
one thing of a Linux host each: ``layers`` and ``disk`` hold files, ``idmap`` and ``mounts`` join them, ``network`` has
the bridge and the addresses, ``cgroups`` the limits, ``settings`` the text that ``lxc-start`` reads.
"""
