"""Nets and solvers in the forms of older Caffes, brought to today's form in place."""

from __future__ import annotations

from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.upgrade.inputs import upgrade_inputs
from caffe_nb.proto.upgrade.solver_type import upgrade_solver_type
from caffe_nb.proto.upgrade.v1 import refuse_v1

__all__ = ["upgrade_net", "upgrade_solver"]


def upgrade_net(param: caffe_pb2.NetParameter) -> None:
    """Bring a net to today's form, in place, as Caffe does when it reads one.

    Top-level ``input`` fields become one Input layer, put first. Calling it again changes nothing.

    Parameters
    ----------
    param : NetParameter
        The net as it was read.

    Raises
    ------
    FormatError
        When the net is in the V1 or V0 format (``layers``), or its inputs and their shapes do not match.
    """
    refuse_v1(param)
    upgrade_inputs(param)


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
