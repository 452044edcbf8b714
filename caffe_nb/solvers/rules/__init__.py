"""The update rules, one a file: from a parameter's gradient to what is subtracted from it."""

from caffe_nb.solvers.rules.adadelta import AdaDelta
from caffe_nb.solvers.rules.adagrad import AdaGrad
from caffe_nb.solvers.rules.adam import Adam
from caffe_nb.solvers.rules.nesterov import Nesterov
from caffe_nb.solvers.rules.rmsprop import RMSProp
from caffe_nb.solvers.rules.rule import Rule
from caffe_nb.solvers.rules.sgd import SGD

__all__ = ["SGD", "AdaDelta", "AdaGrad", "Adam", "Nesterov", "RMSProp", "Rule"]
