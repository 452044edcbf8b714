"""Where others may listen to a running net; every list is empty until somebody does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Callback = Callable[[int], object]


@dataclass(frozen=True)
class NetHooks:
    """Listeners of one net; who comes and goes while a pass runs is heard from, or no more, at its next layer.

    Attributes
    ----------
    before_forward, after_forward, before_backward, after_backward : list of callables
        Called with the layer's index, as pycaffe's.
    safe_point : list of callables
        Called without arguments where no forward waits for its backward: before a pass starts and between a solver's
        iterations. New layer code is taken up here.
    between_layers : list of callables
        Called without arguments between layer calls, for requests that look into the net.
    timed : list of callables
        Called with the indices of the layers that ran as one, as a rule of a single one, "forward" or "backward", and
        the seconds that they took. Whoever only takes times does not look in between: such layers stay one.
    layer_error : list of callables
        Called with the layer's index, the method's name and the exception before it goes to the caller.
    """

    before_forward: list[Callback] = field(default_factory=list)
    after_forward: list[Callback] = field(default_factory=list)
    before_backward: list[Callback] = field(default_factory=list)
    after_backward: list[Callback] = field(default_factory=list)
    safe_point: list[Callable[[], object]] = field(default_factory=list)
    between_layers: list[Callable[[], object]] = field(default_factory=list)
    timed: list[Callable[[tuple[int, ...], str, float], object]] = field(default_factory=list)
    layer_error: list[Callable[[int, str, BaseException], object]] = field(default_factory=list)
