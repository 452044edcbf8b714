// Columns of images and back; what is computed stands in ops/im2col.py. Columns have a row for each tap of each
// channel; `row_step` leads from row to row, `image_step` from image to image within it.

// One thread a window and channel, which writes all of its taps.
extern "C" __global__ void im2col(Index count, const Real *images, Real *columns, Index row_step, Index image_step,
                                  Index channels, Index height, Index width, Index rows, Index across, Index kernel_h,
                                  Index kernel_w, Index stride_h, Index stride_w, Index pad_h, Index pad_w,
                                  Index dilation_h, Index dilation_w) {
    EACH(at, count) {
        const Index j = at % across, i = at / across % rows, plane = at / across / rows;
        const Index n = plane / channels, c = plane % channels;
        const Real *image = images + plane * height * width;
        Real *to = columns + c * kernel_h * kernel_w * row_step + n * image_step + i * across + j;
        for (Index ky = 0; ky < kernel_h; ky++) {
            const Index y = i * stride_h - pad_h + ky * dilation_h;
            for (Index kx = 0; kx < kernel_w; kx++, to += row_step) {
                const Index x = j * stride_w - pad_w + kx * dilation_w;
                *to = y >= 0 && y < height && x >= 0 && x < width ? image[y * width + x] : 0;
            }
        }
    }
}

// One thread a pixel: it adds up the taps that saw it.
extern "C" __global__ void col2im(Index count, const Real *columns, Real *images, Index row_step, Index image_step,
                                  Index channels, Index height, Index width, Index rows, Index across, Index kernel_h,
                                  Index kernel_w, Index stride_h, Index stride_w, Index pad_h, Index pad_w,
                                  Index dilation_h, Index dilation_w) {
    EACH(at, count) {
        const Index x = at % width, y = at / width % height, plane = at / width / height;
        const Index n = plane / channels, c = plane % channels;
        const Real *from = columns + c * kernel_h * kernel_w * row_step + n * image_step;
        Real total = 0;
        for (Index ky = 0; ky < kernel_h; ky++) {
            const Index top = y + pad_h - ky * dilation_h, i = top / stride_h;
            if (top < 0 || top % stride_h != 0 || i >= rows) continue;
            for (Index kx = 0; kx < kernel_w; kx++) {
                const Index left = x + pad_w - kx * dilation_w, j = left / stride_w;
                if (left < 0 || left % stride_w != 0 || j >= across) continue;
                total += from[(ky * kernel_w + kx) * row_step + i * across + j];
            }
        }
        images[at] = total;
    }
}
