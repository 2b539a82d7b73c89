"""What the image consists of. Raise ``VERSION`` with every change that users of a built image should notice."""

from __future__ import annotations

VERSION = "1"
SUITE = "bookworm"
"""Debian 12: Proxmox VE 8 and 9 both start it."""
ARCHITECTURE = "amd64"
EPOCH = 1_767_225_600
"""Unix seconds: the date of every file in the image, 2026-01-01."""
USER = "winux"
"""The desktop user, ``desktopUser`` in a template."""
LANGUAGES = ("en_US.UTF-8", "en_GB.UTF-8", "fr_FR.UTF-8")
"""All are in every image; the first is what a desktop speaks when nothing else was asked for at the build."""

PACKAGES: dict[str, tuple[str, ...]] = {
    "system": (
        "systemd-sysv",
        "dbus",
        "dbus-user-session",
        "libpam-systemd",
        "polkitd",
        "ifupdown",  # Proxmox writes /etc/network/interfaces
        "isc-dhcp-client",
        "iproute2",
        "iputils-ping",
        "procps",
        "locales",
        "sudo",
        "ca-certificates",
        "openssl",
        "openssh-server",  # for clones, whose password is set over it
    ),
    "desktop": (
        "xfce4-session",
        "xfwm4",
        "xfce4-panel",
        "xfdesktop4",
        "xfce4-settings",
        "xfce4-terminal",
        "xfce4-notifyd",
        "xfconf",
        "thunar",
        "mousepad",
        "libxfce4ui-utils",
        "librsvg2-common",  # the wallpaper and the symbols of the panel are SVG
        "xdg-user-dirs",
        "libnotify-bin",
        "adwaita-icon-theme",
        "gnome-themes-extra",
        "fonts-dejavu-core",
        "dbus-x11",
        "x11-xserver-utils",
        "xauth",
        "xkb-data",
    ),
    "remote": ("xrdp", "xorgxrdp", "xserver-xorg-core", "ssl-cert"),
    "tools": ("firefox-esr", "firefox-esr-l10n-fr", "curl", "wget", "git", "vim", "nano", "less"),
}

LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/lintian/*")
"""Paths that no package unpacks; copyright files stay."""
KEPT = ("/usr/share/doc/*/copyright",)

MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "console-setup.service",
    "keyboard-setup.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-pstore.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
)
"""Units that mean nothing in a container, or that would do work in every one of them at once."""
