import caffe


class LegacyAxes(caffe.Layer):
    def reshape(self, bottom, top):
        b = bottom[0]
        assert b.count == b.num * b.channels * b.height * b.width
        top[0].reshape(b.num, b.channels, b.height, b.width)

    def forward(self, bottom, top):
        for i in range(bottom[0].count):
            top[0].data.flat[i] = 2 * bottom[0].data.flat[i]

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff.flat = 2 * top[0].diff.flatten()
