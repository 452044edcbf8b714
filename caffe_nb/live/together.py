"""Edits where several processes run the same net: all take one up, or none."""

from __future__ import annotations

from caffe_nb.live.edit import Confirm
from caffe_nb.live.host import Host
from caffe_nb.live.swap import Swap
from caffe_nb.net import Net


class Together:
    """Takes edits up that all processes agree on.

    Parameters
    ----------
    host : Host
        What takes edits up in this process.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._tried: dict[str, str] = {}

    def texts(self) -> dict[str, str]:
        """Return the texts that run, by module name."""
        return {source.key: source.text for source in self._host.sources()}

    def pending(self) -> dict[str, str]:
        """Return the texts of edited files, by module name; none where they were tried and refused already."""
        edited = self._host.sources().edited()
        return {} if edited == self._tried else edited

    def take(self, texts: dict[str, str], net: Net, confirm: Confirm) -> list[Swap]:
        """Take these texts up at a point where the net waits for nothing.

        Parameters
        ----------
        texts : dict of str to str
            New texts of modules, the same in all processes.
        net : Net
            The net that is at such a point.
        confirm : callable
            Called as often in all processes, see `Edit.take`.
        """
        host = self._host
        self._tried = dict(texts)
        host.given, host.confirm = texts, confirm
        try:
            return host.take_up(at=net, patient=False)
        finally:
            host.given, host.confirm = None, lambda error: None
