"""The widget behind `caffe_nb.view`: it sends what is on screen, and nothing while nothing is.

A message from the front end says what a view shows, and says so again every few seconds; a view that is not heard of
any more gets nothing. While the net runs it may not be heard of: its messages wait for the end of the cell.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
import weakref
from collections.abc import Callable
from importlib.resources import files as resources
from typing import Any, Literal

import anywidget
import msgspec
import traitlets
from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.figures import label, shape_label
from caffe_nb.errors import CaffeError, NetError
from caffe_nb.inspector import sample
from caffe_nb.inspector.describe import PARAMETER_NAMES, find_blob
from caffe_nb.inspector.mailbox import BusyError, ask
from caffe_nb.inspector.palette import DARK, LIGHT, PALETTES, ROUNDING, category_colours, limit_of
from caffe_nb.net import Net, live_nets
from caffe_nb.net.build import AUTOMATIC, Node
from caffe_nb.net.drawing import to_svg
from caffe_nb.net.listing import summary
from caffe_nb.sharing import blobs as pictures

log = logging.getLogger("caffe_nb")

INTERVAL = 0.25
"""Least seconds between two refreshes."""
SHARE = 40
"""Times as long as a running net waited for a refresh until the next one: large blobs are refreshed less often."""
LEASE = 12.0
"""Seconds of an idle net after which a view that is not heard of is taken for gone."""
TICK_BYTES = 128 * 1024
"""Most bytes of values that one refresh sends: Jupyter's server drops what is over a megabyte a second."""
MOST_REFS = 12
MOST_VIEWS = 8
PATIENCE = 5.0
"""Seconds that a running net has to come to a question."""

_newest: list[Net | Blob] = []
"""What the newest view shows, which may be a net that nothing else holds."""

Part = Literal["data", "diff"]
Versions = dict[tuple[str, Part], int]


class Show(msgspec.Struct, tag_field="kind", tag="show", forbid_unknown_fields=True):
    """What a view shows; `fresh` asks for the values even when they are not new."""

    view: str
    refs: list[str]
    live: bool
    fresh: bool


class Hide(msgspec.Struct, tag_field="kind", tag="hide", forbid_unknown_fields=True):
    """A view is not on screen any more."""

    view: str


def _with_colours(code: str) -> str:
    """Return the front end's code with the colours of tensors, which the panel has, too."""
    palettes = msgspec.json.encode(PALETTES).decode()
    return f"const PALETTES = {palettes};\nconst ROUNDING = {ROUNDING};\n{code}"


class Viewer(anywidget.AnyWidget):
    """A live view of a net or a blob.

    Parameters
    ----------
    target : Net or Blob
        Kept by a weak reference, since widgets live as long as the kernel; that of the newest view is kept.
    """

    _esm = _with_colours(resources("caffe_nb.notebook").joinpath("view.js").read_text(encoding="utf-8"))
    _css = resources("caffe_nb.notebook").joinpath("view.css").read_text(encoding="utf-8")

    title = traitlets.Unicode().tag(sync=True)
    summary = traitlets.Unicode().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)
    layers: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(self, target: Net | Blob) -> None:
        self._target = weakref.ref(target)
        _newest[:] = [target]
        self._guard = threading.Lock()
        self._views: dict[str, Show] = {}
        self._idle: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        self._context = contextvars.copy_context()
        self._described: object = None
        self._sent: Versions = {}
        super().__init__()
        self._describe()
        self.on_msg(self._received)

    def _describe(self) -> None:
        """Say what there is to see, where it is not what was said last."""
        target = self._target()
        state = target.revision if isinstance(target, Net) else target.shape if target is not None else None
        if target is None or self._described == (state,):
            return
        self._described = (state,)
        with self.hold_sync():
            if isinstance(target, Net):
                self.title, self.summary = label(target.name), summary(target)
                self.picture = to_svg(target, scale=1)
                self.layers = [_layer(node) for node in target.nodes if not node.inserted]
            else:
                self.title, self.summary = "Blob", f"{shape_label(target.shape)} {target.dtype}"
                tensors = [_tensor("self", "", target)]
                self.layers = [{"index": 0, "name": "", "type": "", "tensors": tensors, "more": 0}]

    @property
    def watched(self) -> bool:
        """Whether something is sent whenever it is new."""
        return self._thread is not None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Return the widget, and beside it what is shown where widgets do not run."""
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        target = self._target()
        if target is None or not isinstance(bundle, tuple):
            return bundle
        data, metadata = bundle
        still = target._repr_mimebundle_() if isinstance(target, Net) else {"text/html": pictures.to_html(target)}
        return {**data, "text/plain": repr(target), **still}, metadata

    def close(self) -> None:
        """Stop sending, and take the widget out of the kernel."""
        with self._guard:
            self._views.clear()
        _newest[:] = [target for target in _newest if target is not self._target()]
        super().close()

    # from the front end, in whatever thread the kernel takes its messages

    def _received(self, _widget: object, content: object, _buffers: object) -> None:
        try:
            message = msgspec.convert(content, Show | Hide)
        except msgspec.ValidationError as error:
            self.send({"kind": "failed", "view": "", "message": f"the message is not understood: {error}"})
            return
        self._context = contextvars.copy_context()
        if isinstance(message, Hide):
            with self._guard:
                self._views.pop(message.view, None)
            return
        del message.refs[MOST_REFS:]
        with self._guard:
            self._views.pop(message.view, None)
            self._views[message.view] = message
            self._idle[message.view] = 0.0
            for old in list(self._views)[:-MOST_VIEWS]:
                del self._views[old]
        if message.fresh:
            try:
                self._describe()
                self._send_values(message.refs, PATIENCE, fresh=True)
            except Exception as error:
                words = str(error) if isinstance(error, CaffeError) else f"{type(error).__name__}: {error}"
                self.send({"kind": "failed", "view": message.view, "message": words})
        if message.live:
            self._start()

    # to the front end

    def _start(self) -> None:
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="caffe_nb view", daemon=True)
                self._thread.start()

    def _follow(self) -> None:
        """Send what is new, until no live view is left."""
        last, took = time.monotonic(), 0.0
        while True:
            time.sleep(max(INTERVAL, SHARE * took))
            now = time.monotonic()
            with self._guard:
                if not self._busy():
                    self._idle = {view: idle + now - last for view, idle in self._idle.items()}
                last = now
                for view in [view for view in self._views if self._idle[view] > LEASE]:
                    del self._views[view]
                self._idle = {view: self._idle[view] for view in self._views}
                if not any(view.live for view in self._views.values()) or self._target() is None:
                    self._thread = None
                    return
            try:
                took = self._send_values(self._refs(), INTERVAL)
            except BusyError:
                continue
            except Exception:
                log.debug("a view could not be refreshed", exc_info=True)

    def _refs(self) -> list[str]:
        with self._guard:
            return list(dict.fromkeys(ref for view in self._views.values() if view.live for ref in view.refs))

    def _net(self) -> Net | None:
        """Return the net that runs what is shown, None where there is none."""
        target = self._target()
        if target is None or isinstance(target, Net):
            return target
        for net in live_nets():
            parameters = (blob for node in net.nodes for blob in node.layer.blobs)
            if any(blob is target for blob in (*net.blobs.values(), *parameters)):
                return net
        return None

    def _busy(self) -> bool:
        net = self._net()
        if net is None:
            return False
        free = net.lock.acquire(blocking=False)
        if free:
            net.lock.release()
        return not free

    def _blob(self, ref: str) -> Blob:
        target = self._target()
        if target is None:
            raise NetError("what is shown here is gone: it was deleted or made anew; run the cell again")
        if isinstance(target, Net):
            return find_blob(target, ref)
        if ref != "self":
            raise NetError(f"'{label(ref)}' is not in this view")
        return target

    def _versions(self, refs: list[str]) -> Versions:
        found: Versions = {}
        for ref in refs:
            try:
                blob = self._blob(ref)
            except NetError:
                continue
            found[ref, "data"], found[ref, "diff"] = blob.version, blob.diff_version
        return found

    def _send_values(self, refs: list[str], patience: float, *, fresh: bool = False) -> float:
        """Send the values of these blobs, unless `fresh` is asked for only those that were not sent before.

        Returns
        -------
        float
            Seconds for which a running net had to wait.
        """
        if fresh:
            for ref in refs:
                self._blob(ref)  # says what is wrong where it is not there
        new = {k: version for k, version in self._versions(refs).items() if fresh or self._sent.get(k) != version}
        if not new:
            return 0.0
        room = max(4096, TICK_BYTES // len(new))

        def read() -> tuple[list[tuple[dict[str, Any], bytes]], float]:
            began = time.perf_counter()
            values = [_values(self._blob(ref), ref, part, room) for ref, part in new]
            return values, time.perf_counter() - began

        net = self._net()
        answers, took = read() if net is None else ask(net, read, patience, about_gradients=True)
        for content, values in answers:
            self._in_context(self.send, content, [values])
        self._sent.update(new)
        return took

    def _in_context(self, call: Callable[..., object], *args: Any) -> None:
        """Call where the kernel finds whose answer it is; in a thread it would be the running cell's."""
        self._context.copy().run(call, *args)


def _values(blob: Blob, ref: str, part: Part, room: int) -> tuple[dict[str, Any], bytes]:
    array: NDArray[Any] = blob.const_data if part == "data" else blob.const_diff
    figures = sample.statistics(array)
    shown = sample.view(array, max_bytes=room, picked=bool(figures.categories))
    light, dark = (category_colours(figures.categories, palette) for palette in (LIGHT, DARK))
    tiles, rows, cols = shown.values.shape
    content = {
        "kind": "tensor",
        "ref": ref,
        "part": part,
        "shape": list(array.shape),
        "size": [tiles, rows, cols],
        "reduced": shown.reduced,
        "place": [[axis, at] for axis, at in enumerate(shown.index) if axis not in shown.axes],
        "limit": limit_of(figures) if figures.count else 0.0,
        "categories": [[value, light[value], dark[value]] for value in figures.categories],
        "figures": [list(pair) for pair in zip(pictures.HEADINGS[1:], pictures.texts(figures), strict=True)],
        "version": blob.version if part == "data" else blob.diff_version,
    }
    return content, shown.values.astype("<f4", copy=False).tobytes()


def _layer(node: Node) -> dict[str, Any]:
    """Return a layer as the front end gets it."""
    tops = [
        (f"top:{node.index}:{i}" if name == AUTOMATIC else f"blob:{name}", name, blob)
        for i, (name, blob) in enumerate(zip(node.top_names, node.tops, strict=True))
    ]
    names = () if node.is_python else PARAMETER_NAMES
    params = [
        (f"param:{node.index}:{i}", names[i] if i < len(names) else f"param {i}", blob)
        for i, blob in enumerate(node.layer.blobs)
    ]
    every = [_tensor(*each) for each in (*tops, *params)]
    kind = f"{type(node.layer).__name__}, Python" if node.is_python else node.param.type
    return {
        "index": node.index,
        "name": label(node.name),
        "type": label(kind),
        "tensors": every[:MOST_REFS],
        "more": max(0, len(every) - MOST_REFS),
    }


def _tensor(ref: str, name: str, blob: Blob) -> dict[str, Any]:
    return {"ref": ref, "name": label(name), "shape": shape_label(blob.shape)}
