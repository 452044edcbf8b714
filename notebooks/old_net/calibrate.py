import caffe
import numpy as np


class Calibrate(caffe.Layer):
    """Divides the scores by a temperature, so that the probabilities are less sure of themselves."""

    def setup(self, bottom, top):
        params = eval(self.param_str)
        self.temperature = np.float(params['temperature'])
        if params.has_key('verbose'):
            print "calibrate:", ", ".join("%s=%s" % item for item in sorted(params.iteritems()))

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        for i in xrange(bottom[0].num):
            top[0].data[i] = bottom[0].data[i] / self.temperature

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff / self.temperature
