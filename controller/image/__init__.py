"""The golden image of the Winux desktop: one tarball, a Proxmox container template and the ``lxc`` engine's image.

``recipe`` says what is in it, ``overlay`` holds the files that are put over Debian's, ``build`` makes it. It knows
nothing of sessions or Proxmox.
"""
