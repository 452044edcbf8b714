// Convolution of channels that do not see each other; what is computed stands in ops/depthwise.py. Each channel makes
// `maps` results.

extern "C" __global__ void forward(Index count, const Real *images, const Real *weight, const Real *bias, Real *out,
                                   Index biased, Index channels, Index maps, Index height, Index width, Index rows,
                                   Index columns, Index kernel_h, Index kernel_w, Index stride_h, Index stride_w,
                                   Index pad_h, Index pad_w, Index dilation_h, Index dilation_w) {
    EACH(at, count) {
        const Index j = at % columns, i = at / columns % rows, plane = at / columns / rows;
        const Index map = plane % (channels * maps);
        const Real *image = images + plane / maps * height * width;
        const Real *taps = weight + map * kernel_h * kernel_w;
        Real total = biased ? bias[map] : 0;
        for (Index ky = 0; ky < kernel_h; ky++) {
            const Index y = i * stride_h - pad_h + ky * dilation_h;
            if (y < 0 || y >= height) continue;
            for (Index kx = 0; kx < kernel_w; kx++) {
                const Index x = j * stride_w - pad_w + kx * dilation_w;
                if (x >= 0 && x < width) total += image[y * width + x] * taps[ky * kernel_w + kx];
            }
        }
        out[at] = total;
    }
}

extern "C" __global__ void input_gradient(Index count, const Real *gradient, const Real *weight, Real *out,
                                          Index channels, Index maps, Index height, Index width, Index rows,
                                          Index columns, Index kernel_h, Index kernel_w, Index stride_h,
                                          Index stride_w, Index pad_h, Index pad_w, Index dilation_h,
                                          Index dilation_w) {
    EACH(at, count) {
        const Index x = at % width, y = at / width % height, plane = at / width / height;
        Real total = 0;
        for (Index m = 0; m < maps; m++) {
            const Real *above = gradient + (plane * maps + m) * rows * columns;
            const Real *taps = weight + (plane % channels * maps + m) * kernel_h * kernel_w;
            for (Index ky = 0; ky < kernel_h; ky++) {
                const Index top = y + pad_h - ky * dilation_h, i = top / stride_h;
                if (top < 0 || top % stride_h != 0 || i >= rows) continue;
                for (Index kx = 0; kx < kernel_w; kx++) {
                    const Index left = x + pad_w - kx * dilation_w, j = left / stride_w;
                    if (left < 0 || left % stride_w != 0 || j >= columns) continue;
                    total += above[i * columns + j] * taps[ky * kernel_w + kx];
                }
            }
        }
        out[at] = total;
    }
}

// One thread a tap, image and row of windows; the sum over images and rows comes after. Parts are (N, rows, M, taps).
extern "C" __global__ void weight_parts(Index count, const Real *images, const Real *gradient, Real *parts,
                                        Index channels, Index maps, Index height, Index width, Index rows,
                                        Index columns, Index kernel_h, Index kernel_w, Index stride_h, Index stride_w,
                                        Index pad_h, Index pad_w, Index dilation_h, Index dilation_w) {
    EACH(at, count) {
        const Index kx = at % kernel_w, ky = at / kernel_w % kernel_h, rest = at / kernel_w / kernel_h;
        const Index map = rest % (channels * maps), i = rest / (channels * maps) % rows;
        const Index plane = rest / (channels * maps) / rows * channels * maps + map;
        const Real *line = gradient + (plane * rows + i) * columns;
        const Index y = i * stride_h - pad_h + ky * dilation_h;
        Real total = 0;
        if (y >= 0 && y < height) {
            const Real *image = images + (plane / maps * height + y) * width;
            for (Index j = 0; j < columns; j++) {
                const Index x = j * stride_w - pad_w + kx * dilation_w;
                if (x >= 0 && x < width) total += image[x] * line[j];
            }
        }
        parts[at] = total;
    }
}
