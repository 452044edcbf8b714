"""The solver's rule as a number, from before it was a name."""

from __future__ import annotations

from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2

_NAMES = {
    caffe_pb2.SolverParameter.SGD: "SGD",
    caffe_pb2.SolverParameter.NESTEROV: "Nesterov",
    caffe_pb2.SolverParameter.ADAGRAD: "AdaGrad",
    caffe_pb2.SolverParameter.RMSPROP: "RMSProp",
    caffe_pb2.SolverParameter.ADADELTA: "AdaDelta",
    caffe_pb2.SolverParameter.ADAM: "Adam",
}


def upgrade_solver_type(param: caffe_pb2.SolverParameter) -> None:
    """Replace ``solver_type`` by ``type``, in place.

    Parameters
    ----------
    param : SolverParameter
        The solver as it was read.

    Raises
    ------
    FormatError
        When both are set, as Caffe refuses it too.
    """
    if not param.HasField("solver_type"):
        return
    name = _NAMES[param.solver_type]
    if param.HasField("type"):
        raise FormatError(
            f'the solver sets both `type: "{param.type}"` and the older `solver_type` ({name}); keep only `type`.'
        )
    param.type = name
    param.ClearField("solver_type")
