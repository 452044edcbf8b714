// Columns of images and back; what is computed stands in ops/im2col.py. Images have three axes, of which the first ones
// may be 1. Columns have a row for each tap of each channel; `row_step` leads from row to row, `image_step` from image to
// image within it.

// Along an axis: pixels, windows, and how the kernel moves.
struct Axis {
    Index length, windows, kernel, stride, pad, dilation;

    // The pixel that a tap sees, or -1.
    __device__ Index pixel(Index window, Index tap) const {
        const Index at = window * stride - pad + tap * dilation;
        return at < length ? max(at, (Index)-1) : -1;
    }

    // The window that sees a pixel through a tap, or -1.
    __device__ Index window(Index pixel, Index tap) const {
        const Index from = pixel + pad - tap * dilation;
        return from >= 0 && from % stride == 0 && from / stride < windows ? from / stride : -1;
    }
};

// One thread a window and channel, which writes all of its taps.
extern "C" __global__ void im2col(Index count, const Real *images, Real *columns, Index row_step, Index image_step,
                                  Index channels, Index depth, Index height, Index width, Index layers, Index rows,
                                  Index across, Index kernel_d, Index kernel_h, Index kernel_w, Index stride_d,
                                  Index stride_h, Index stride_w, Index pad_d, Index pad_h, Index pad_w,
                                  Index dilation_d, Index dilation_h, Index dilation_w) {
    const Axis in = {depth, layers, kernel_d, stride_d, pad_d, dilation_d};
    const Axis down = {height, rows, kernel_h, stride_h, pad_h, dilation_h};
    const Axis along = {width, across, kernel_w, stride_w, pad_w, dilation_w};
    EACH(at, count) {
        const Index windows = layers * rows * across, plane = at / windows, place = at % windows;
        const Index j = place % across, i = place / across % rows, layer = place / across / rows;
        const Real *image = images + plane * depth * height * width;
        const Index first_row = plane % channels * kernel_d * kernel_h * kernel_w;
        Real *to = columns + first_row * row_step + plane / channels * image_step + place;
        for (Index kz = 0; kz < kernel_d; kz++) {
            const Index z = in.pixel(layer, kz);
            for (Index ky = 0; ky < kernel_h; ky++) {
                const Index y = down.pixel(i, ky);
                for (Index kx = 0; kx < kernel_w; kx++, to += row_step) {
                    const Index x = along.pixel(j, kx);
                    *to = z >= 0 && y >= 0 && x >= 0 ? image[(z * height + y) * width + x] : 0;
                }
            }
        }
    }
}

// One thread a pixel: it adds up the taps that saw it.
extern "C" __global__ void col2im(Index count, const Real *columns, Real *images, Index row_step, Index image_step,
                                  Index channels, Index depth, Index height, Index width, Index layers, Index rows,
                                  Index across, Index kernel_d, Index kernel_h, Index kernel_w, Index stride_d,
                                  Index stride_h, Index stride_w, Index pad_d, Index pad_h, Index pad_w,
                                  Index dilation_d, Index dilation_h, Index dilation_w) {
    const Axis in = {depth, layers, kernel_d, stride_d, pad_d, dilation_d};
    const Axis down = {height, rows, kernel_h, stride_h, pad_h, dilation_h};
    const Axis along = {width, across, kernel_w, stride_w, pad_w, dilation_w};
    EACH(at, count) {
        const Index x = at % width, y = at / width % height, z = at / width / height % depth;
        const Index plane = at / width / height / depth;
        const Index first_row = plane % channels * kernel_d * kernel_h * kernel_w;
        const Real *from = columns + first_row * row_step + plane / channels * image_step;
        Real total = 0;
        for (Index kz = 0; kz < kernel_d; kz++) {
            const Index layer = in.window(z, kz);
            if (layer < 0) continue;
            for (Index ky = 0; ky < kernel_h; ky++) {
                const Index i = down.window(y, ky);
                if (i < 0) continue;
                for (Index kx = 0; kx < kernel_w; kx++) {
                    const Index j = along.window(x, kx), tap = (kz * kernel_h + ky) * kernel_w + kx;
                    if (j >= 0) total += from[tap * row_step + (layer * rows + i) * across + j];
                }
            }
        }
        images[at] = total;
    }
}
