// Bilinear resizing; what is computed stands in ops/interpolation.py. Pixel i of `many` lies at i (from - 1) / (many - 1)
// of `from`, reckoned in whole numbers so that one that lies on a pixel is read from it alone.

struct Between {
    Index low;
    Real rest;  // the share of the pixel after it
};

__device__ inline Between between(Index i, Index from, Index many) {
    const Index steps = max(many - 1, (Index)1), place = i * (from - 1);
    return {place / steps, (Real)(place % steps) / steps};
}

// How much of pixel i comes from a pixel.
__device__ inline Real share(Index i, Index pixel, Index from, Index many) {
    const Between at = between(i, from, many);
    return pixel == at.low ? 1 - at.rest : pixel == at.low + 1 ? at.rest : 0;
}

// Which pixels of `many` may be read from a pixel; a few more than are.
__device__ inline Span readers(Index pixel, Index from, Index many) {
    if (from == 1) return {0, many};
    const Index steps = max(many - 1, (Index)1);
    return {max((pixel - 1) * steps / (from - 1), (Index)0), min((pixel + 1) * steps / (from - 1) + 1, many)};
}

extern "C" __global__ void interpolate(Index count, const Real *images, Real *out, Index height, Index width,
                                       Index rows, Index columns) {
    EACH(at, count) {
        const Between down = between(at / columns % rows, height, rows), across = between(at % columns, width, columns);
        const Real *image = images + at / columns / rows * height * width + down.low * width + across.low;
        Real value = image[0];
        if (across.rest > 0) value = (1 - across.rest) * value + across.rest * image[1];
        if (down.rest > 0) {
            Real below = image[width];
            if (across.rest > 0) below = (1 - across.rest) * below + across.rest * image[width + 1];
            value = (1 - down.rest) * value + down.rest * below;
        }
        out[at] = value;
    }
}

// One thread a pixel that was read.
extern "C" __global__ void interpolation_gradient(Index count, const Real *gradient, Real *out, Index height,
                                                  Index width, Index rows, Index columns) {
    EACH(at, count) {
        const Index x = at % width, y = at / width % height;
        const Real *above = gradient + at / width / height * rows * columns;
        const Span down = readers(y, height, rows), across = readers(x, width, columns);
        Real total = 0;
        for (Index i = down.first; i < down.end; i++) {
            const Real high = share(i, y, height, rows);
            if (high == 0) continue;
            for (Index j = across.first; j < across.end; j++)
                total += high * share(j, x, width, columns) * above[i * columns + j];
        }
        out[at] = total;
    }
}
