// Pooling; what is computed stands in ops/pooling.py. Images are planes of height x width, grids of rows x columns.

struct Place {
    Index plane, i, j;
};

__device__ inline Place place_of(Index at, Index rows, Index columns) {
    return {at / columns / rows, at / columns % rows, at % columns};
}

// How many pixels a window has along an axis, padding counted, what lies beyond it not.
__device__ inline Index extent(Index window, Index kernel, Index stride, Index pad, Index length) {
    const Index begin = window * stride - pad;
    return min(begin + kernel, length + pad) - begin;
}

extern "C" __global__ void max_pool(Index count, const Real *images, Real *out, int *mask, Real lowest, Index height,
                                    Index width, Index rows, Index columns, Index kernel_h, Index kernel_w,
                                    Index stride_h, Index stride_w, Index pad_h, Index pad_w) {
    EACH(at, count) {
        const Place here = place_of(at, rows, columns);
        const Real *image = images + here.plane * height * width;
        const Span down = pixels_of(here.i, kernel_h, stride_h, pad_h, height);
        const Span across = pixels_of(here.j, kernel_w, stride_w, pad_w, width);
        Real best = lowest;
        Index from = -1;
        for (Index y = down.first; y < down.end; y++)
            for (Index x = across.first; x < across.end; x++) {
                const Real value = image[y * width + x];
                if (value > best || from < 0 || value != value) {
                    best = value;
                    from = y * width + x;
                }
            }
        out[at] = best;
        mask[at] = (int)from;
    }
}

extern "C" __global__ void average_pool(Index count, const Real *images, Real *out, Index height, Index width,
                                        Index rows, Index columns, Index kernel_h, Index kernel_w, Index stride_h,
                                        Index stride_w, Index pad_h, Index pad_w) {
    EACH(at, count) {
        const Place here = place_of(at, rows, columns);
        const Real *image = images + here.plane * height * width;
        const Span down = pixels_of(here.i, kernel_h, stride_h, pad_h, height);
        const Span across = pixels_of(here.j, kernel_w, stride_w, pad_w, width);
        const Index size = extent(here.i, kernel_h, stride_h, pad_h, height) *
                           extent(here.j, kernel_w, stride_w, pad_w, width);
        Real total = 0;
        for (Index y = down.first; y < down.end; y++)
            for (Index x = across.first; x < across.end; x++) total += image[y * width + x];
        out[at] = size > 0 ? total / size : 0;
    }
}

// The total is a double, so that a seed draws what it draws on the host.
extern "C" __global__ void stochastic_pool(Index count, const Real *images, const double *draws, Real *out, int *mask,
                                           Index height, Index width, Index rows, Index columns, Index kernel_h,
                                           Index kernel_w, Index stride_h, Index stride_w, Index pad_h, Index pad_w) {
    EACH(at, count) {
        const Place here = place_of(at, rows, columns);
        const Real *image = images + here.plane * height * width;
        const Span down = pixels_of(here.i, kernel_h, stride_h, pad_h, height);
        const Span across = pixels_of(here.j, kernel_w, stride_w, pad_w, width);
        double total = 0;
        for (Index y = down.first; y < down.end; y++)
            for (Index x = across.first; x < across.end; x++) total += image[y * width + x];
        const double threshold = draws[at] * total;
        Index from = -1;
        total = 0;
        for (Index y = down.first; y < down.end; y++)
            for (Index x = across.first; x < across.end; x++) {
                if (from < 0 || total < threshold) from = y * width + x;
                total += image[y * width + x];
            }
        out[at] = from < 0 ? 0 : image[from];
        mask[at] = (int)from;
    }
}

extern "C" __global__ void expected_pool(Index count, const Real *images, Real *out, Index height, Index width,
                                         Index rows, Index columns, Index kernel_h, Index kernel_w, Index stride_h,
                                         Index stride_w, Index pad_h, Index pad_w) {
    EACH(at, count) {
        const Place here = place_of(at, rows, columns);
        const Real *image = images + here.plane * height * width;
        const Span down = pixels_of(here.i, kernel_h, stride_h, pad_h, height);
        const Span across = pixels_of(here.j, kernel_w, stride_w, pad_w, width);
        double total = 0, squares = 0;
        for (Index y = down.first; y < down.end; y++)
            for (Index x = across.first; x < across.end; x++) {
                const double value = image[y * width + x];
                total += value;
                squares += value * value;
            }
        out[at] = total > 0 ? (Real)(squares / total) : 0;
    }
}

// One thread a pixel: it looks at the windows that see it.
extern "C" __global__ void mask_gradient(Index count, const Real *gradient, const int *mask, Real *out, Index height,
                                         Index width, Index rows, Index columns, Index kernel_h, Index kernel_w,
                                         Index stride_h, Index stride_w, Index pad_h, Index pad_w) {
    EACH(at, count) {
        const Place here = place_of(at, height, width);
        const Span down = windows_on(here.i, kernel_h, stride_h, pad_h, rows);
        const Span across = windows_on(here.j, kernel_w, stride_w, pad_w, columns);
        const Index base = here.plane * rows * columns, mine = here.i * width + here.j;
        Real total = 0;
        for (Index i = down.first; i < down.end; i++)
            for (Index j = across.first; j < across.end; j++)
                if (mask[base + i * columns + j] == mine) total += gradient[base + i * columns + j];
        out[at] = total;
    }
}

extern "C" __global__ void average_gradient(Index count, const Real *gradient, Real *out, Index height, Index width,
                                            Index rows, Index columns, Index kernel_h, Index kernel_w, Index stride_h,
                                            Index stride_w, Index pad_h, Index pad_w) {
    EACH(at, count) {
        const Place here = place_of(at, height, width);
        const Span down = windows_on(here.i, kernel_h, stride_h, pad_h, rows);
        const Span across = windows_on(here.j, kernel_w, stride_w, pad_w, columns);
        const Index base = here.plane * rows * columns;
        Real total = 0;
        for (Index i = down.first; i < down.end; i++)
            for (Index j = across.first; j < across.end; j++)
                total += gradient[base + i * columns + j] / (extent(i, kernel_h, stride_h, pad_h, height) *
                                                             extent(j, kernel_w, stride_w, pad_w, width));
        out[at] = total;
    }
}
