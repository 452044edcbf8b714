"""How a net shows itself: in a notebook's output, as plain text, and in a file to pass on."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:  # what draws is imported when something is drawn: `import caffe` is to be quick
    from caffe_nb.net.drawing import Drawing
    from caffe_nb.net.net import Net


class Shown:
    """The part of a net that shows it."""

    def __repr__(self) -> str:
        net = cast("Net", self)
        return (
            f"<Net '{net.name}' {net.phase}: {len(net.nodes)} layers, {len(net.blobs)} blobs,"
            f" {sum(blob.count for blob in net.learnable_params):,} parameters>"
        )

    def _repr_html_(self) -> str:
        from caffe_nb.net import listing

        return listing.to_html(cast("Net", self))

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        """Return the picture with the table of layers, and the table as plain text."""
        from caffe_nb.net import listing

        net = cast("Net", self)
        return {"text/html": listing.to_html(net), "text/plain": listing.to_text(net)}

    def draw(self, scale: float | None = None) -> Drawing:
        """Return the net's graph as a picture of its own, without the table of layers; `Drawing.save` writes it.

        Parameters
        ----------
        scale : float, optional
            Size of the picture; 1 by default, smaller for nets of more than 100 layers.
        """
        from caffe_nb.net.drawing import Drawing

        return Drawing(cast("Net", self), scale)

    def save_html(
        self,
        path: str | os.PathLike[str],
        blobs: str | Iterable[str] = (),
        solver: Any = None,
        reports: Mapping[str, Any] | Iterable[Any] | Any = None,
    ) -> Path:
        """Write a page that shows the net, in one file that needs neither this package nor a network.

        Parameters
        ----------
        path : path
            The file, like ``net.html``; one that is there is replaced.
        blobs : iterable of str, optional
            Blobs whose data and diff are in it as pictures with exact figures: names as in `blobs`, or ``ip[0]`` for a
            parameter of the layer ``ip``.
        solver : Solver, optional
            Whose loss curve is in it; by default the solver that trains this net, where there is one.
        reports : GradientReport, or several, optional
            Gradient checks to put in, as `check_gradients` returns them; by default the last ones that were made of
            this net's layers while the inspector was open.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        NetError
            For a blob that the net does not have, and for a solver of another net.
        UnwritableFileError, MissingFileError
            When the file cannot be written.
        """
        page = importlib.import_module("caffe_nb.sharing.page")  # above this package; loaded when asked for
        return cast(Path, page.save(self, path, blobs, solver, reports))
