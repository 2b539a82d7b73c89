"""winux-controller: temporary Linux desktops in Proxmox VE containers, declared as YAML and reconciled for certain."""

__version__ = "0.1.0"
