"""The kernel's side of the inspector panel: the protocol, and what serves it."""
