import caffe


class Phase(caffe.Layer):
    def setup(self, bottom, top):
        self.training = str(self.phase) == "TRAIN"
        self.same = self.phase == (caffe.TRAIN if self.training else caffe.TEST)

    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        top[0].data[()] = self.phase
