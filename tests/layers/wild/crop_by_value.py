import caffe


class CropByValue(caffe.Layer):
    """The second bottom's value is the size: read in reshape."""

    def reshape(self, bottom, top):
        self.n = int(bottom[1].data[0])
        top[0].reshape(bottom[0].num, self.n)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data[:, : self.n]
