"""Nets and solvers in the forms of older Caffes, brought to today's form in place."""

from __future__ import annotations

from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.upgrade.batch_norm import upgrade_batch_norm
from caffe_nb.proto.upgrade.error import UpgradeError
from caffe_nb.proto.upgrade.inputs import upgrade_inputs
from caffe_nb.proto.upgrade.solver_type import upgrade_solver_type
from caffe_nb.proto.upgrade.transforms import upgrade_transforms
from caffe_nb.proto.upgrade.v0 import upgrade_v0
from caffe_nb.proto.upgrade.v1 import upgrade_v1

__all__ = ["ADDED", "UpgradeError", "upgrade_net", "upgrade_solver"]

ADDED = -1
"""In place of a layer's number: the upgrade has made this layer."""


def upgrade_net(param: caffe_pb2.NetParameter, foreign: dict[int, str] | None = None) -> list[int]:
    """Bring a net to today's form, in place, as Caffe does when it reads one.

    In this order: V0 layers (``layers { layer { ... } }``) become V1 layers, their ``padding`` layers the ``pad`` of
    what reads them; transforms inside the data parameters of V1 layers move to ``transform_param``; V1 layers
    (``layers``) become ``layer``; top-level ``input`` fields become one Input layer, put first; the three statistics of
    BatchNorm layers are taken from the solver's reach. Calling it again changes nothing.

    Parameters
    ----------
    param : NetParameter
        The net as it was read.
    foreign : dict of int to str, optional
        Types that V1 does not have, by the number of their layer; filled with those that V0 does not have. The layers
        get them as they stand. Without it such types are refused.

    Returns
    -------
    list of int
        For each layer of the result, which layer of the text it was, counted from 0; `ADDED` for the Input layer.

    Raises
    ------
    UpgradeError
        When the old form makes no sense: a type that never was, ``layer`` beside ``layers``, padding before a layer
        that cannot pad, inputs and shapes that do not match. `param` is of no use then.
    """
    origins = upgrade_v0(param, foreign) if param.layers else list(range(len(param.layer)))
    upgrade_transforms(param)
    upgrade_v1(param)
    if upgrade_inputs(param):
        origins.insert(0, ADDED)
    upgrade_batch_norm(param)
    for layer, origin in zip(param.layer, origins, strict=True):
        if foreign and origin in foreign:
            layer.type = foreign[origin]
    return origins


def upgrade_solver(param: caffe_pb2.SolverParameter) -> None:
    """Bring a solver to today's form, in place, and with it the nets that stand inside it.

    ``solver_type`` (a number) becomes ``type`` (a name). Calling it again changes nothing.

    Parameters
    ----------
    param : SolverParameter
        The solver as it was read.

    Raises
    ------
    FormatError
        When both ``solver_type`` and ``type`` are set, or a net inside it cannot be upgraded.
    """
    upgrade_solver_type(param)
    for field in ("net_param", "train_net_param"):
        if param.HasField(field):
            upgrade_net(getattr(param, field))
    for net in param.test_net_param:
        upgrade_net(net)
