"""The page and the HTTP APIs for people: they write and remove manifests, and the controller does the rest.

Nothing here touches the ledger, Proxmox or the reconciler: everything goes through
``backend``, by the rules of ``desk``.
"""
