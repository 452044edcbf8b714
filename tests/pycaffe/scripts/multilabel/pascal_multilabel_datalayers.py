# imports

import numpy as np

import caffe
from caffe.io import resize_image


class MultilabelDataLayerSync(caffe.Layer):
    """A simple synchronous data layer: pictures of several things, and which things they show."""

    def setup(self, bottom, top):
        self.top_names = ["data", "label"]
        # === Read input parameters ===
        # params is a python dictionary with layer parameters.
        params = eval(self.param_str)
        check_params(params)
        self.batch_size = params["batch_size"]
        # Create a batch loader to load the images.
        self.batch_loader = BatchLoader(params, None)
        # === reshape tops ===
        # since we use a fixed input image size, we can shape the data layer once. Else, we'd have to do it in reshape.
        top[0].reshape(self.batch_size, 3, params["im_shape"][0], params["im_shape"][1])
        top[1].reshape(self.batch_size, 5)
        print_info("MultilabelDataLayerSync", params)

    def forward(self, bottom, top):
        """Load data."""
        for itt in range(self.batch_size):
            im, multilabel = self.batch_loader.load_next_image()
            top[0].data[itt, ...] = im
            top[1].data[itt, ...] = multilabel

    def reshape(self, bottom, top):
        """There is no need to reshape the data, since the input is of fixed size (rows and columns)."""

    def backward(self, top, propagate_down, bottom):
        """These layers do not back propagate."""


class BatchLoader:
    """Makes images up: shapes of five kinds in random places."""

    def __init__(self, params, result):
        self.result = result
        self.im_shape = params["im_shape"]
        self.rng = np.random.RandomState(params["seed"])
        self._cur = 0
        self.transformer = SimpleTransformer()

    def load_next_image(self):
        label = (self.rng.rand(5) < 0.4).astype(np.float32)
        im = np.zeros((24, 24, 3), np.float32)
        for kind in np.flatnonzero(label):
            y, x = self.rng.randint(0, 18, 2)
            im[y : y + 6, x : x + 6, kind % 3] = 1 if kind < 3 else np.eye(6) if kind == 3 else np.eye(6)[::-1]
        im = resize_image(im, self.im_shape)
        if self.rng.randint(2):
            im = im[:, ::-1, :]
            label[[3, 4]] = label[[4, 3]]
        self._cur += 1
        return self.transformer.preprocess(im * 255), label


class SimpleTransformer:
    """Transposes, swaps channels, takes the mean off."""

    def __init__(self, mean=[20, 20, 20]):
        self.mean = np.array(mean, dtype=np.float32)
        self.scale = 1.0 / 64

    def preprocess(self, im):
        im = np.float32(im)
        im = im[:, :, ::-1]  # change to BGR
        im -= self.mean
        im *= self.scale
        im = im.transpose((2, 0, 1))
        return im


def check_params(params):
    """A utility function to check the parameters for the data layers."""
    assert "split" in params.keys(), "Params must include split (train, val, or test)."
    required = ["batch_size", "im_shape"]
    for r in required:
        assert r in params.keys(), f"Params must include {r}"


def print_info(name, params):
    print(
        "{} initialized for split: {}, with bs: {}, im_shape: {}.".format(
            name, params["split"], params["batch_size"], params["im_shape"]
        )
    )
