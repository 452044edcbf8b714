// Pooling over regions of images; what is computed stands in ops/regions.py. Features are (N, C, height, width), cells
// a grid of rows x columns over each region. A gradient is gathered: each pixel looks at the cells that see it.

__device__ inline int clipped(Real edge, Index length) {
    return edge != edge ? 0 : (int)min(max(edge, (Real)0), (Real)length);
}

__device__ inline void cells_along(Real low, Real high, Real scale, Index cells, Index length, Index whole, int *first,
                                   int *end) {
    const Real start = whole ? round(low * scale) : round(low) * scale;
    const Real stop = whole ? round(high * scale) + 1 : (round(high) + 1) * scale;
    const Real size = max(stop - start, (Real)(whole ? 1 : 0.1)) / cells;
    for (Index k = 0; k < cells; k++) {
        first[k] = clipped(whole ? floor(k * size) + start : floor(k * size + start), length);
        end[k] = max(first[k], clipped(whole ? ceil((k + 1) * size) + start : ceil((k + 1) * size + start), length));
    }
}

// One thread a region. A region of no image, or with a number that is none, becomes one of image -1 without pixels.
extern "C" __global__ void cells(Index count, const Real *regions, int *images, int *top, int *bottom, int *left,
                                 int *right, Real scale, Index number, Index height, Index width, Index rows,
                                 Index columns, Index whole) {
    EACH(r, count) {
        const Real *region = regions + r * 5;
        bool right_one = region[0] > -1 && region[0] < number;
        for (Index k = 0; k < 5; k++) right_one = right_one && region[k] - region[k] == 0;
        images[r] = right_one ? (int)region[0] : -1;
        const Index high = right_one ? height : 0;
        cells_along(region[2], region[4], scale, rows, high, whole, top + r * rows, bottom + r * rows);
        cells_along(region[1], region[3], scale, columns, width, whole, left + r * columns, right + r * columns);
    }
}

extern "C" __global__ void max_cells(Index count, const Real *x, const int *images, const int *top, const int *bottom,
                                     const int *left, const int *right, Real *out, int *mask, Index channels,
                                     Index height, Index width, Index rows, Index columns) {
    EACH(at, count) {
        const Index j = at % columns, i = at / columns % rows, c = at / columns / rows % channels;
        const Index r = at / columns / rows / channels;
        const Real *image = x + (images[r] * channels + c) * height * width;
        Real value = 0;
        Index place = -1;
        for (Index y = top[r * rows + i]; y < bottom[r * rows + i]; y++)
            for (Index z = left[r * columns + j]; z < right[r * columns + j]; z++)
                if (place < 0 || image[y * width + z] > value) {
                    value = image[y * width + z];
                    place = y * width + z;
                }
        out[at] = value;
        mask[at] = (int)place;
    }
}

extern "C" __global__ void max_gradient(Index count, const Real *gradient, const int *images, const int *top,
                                        const int *bottom, const int *left, const int *right, const int *mask,
                                        Real *out, Index regions, Index channels, Index height, Index width, Index rows,
                                        Index columns) {
    EACH(at, count) {
        const Index z = at % width, y = at / width % height, c = at / width / height % channels;
        const Index n = at / width / height / channels;
        Real total = 0;
        for (Index r = 0; r < regions; r++) {
            if (images[r] != n) continue;
            for (Index i = 0; i < rows; i++) {
                if (y < top[r * rows + i] || y >= bottom[r * rows + i]) continue;
                for (Index j = 0; j < columns; j++) {
                    if (z < left[r * columns + j] || z >= right[r * columns + j]) continue;
                    const Index cell = ((r * channels + c) * rows + i) * columns + j;
                    if (mask[cell] == y * width + z) total += gradient[cell];
                }
            }
        }
        out[at] = total;
    }
}

// Here the grid is group x group, and each cell has channels of its own.
extern "C" __global__ void mean_cells(Index count, const Real *x, const int *images, const int *top, const int *bottom,
                                      const int *left, const int *right, Real *out, Index outputs, Index height,
                                      Index width, Index group) {
    EACH(at, count) {
        const Index j = at % group, i = at / group % group, channel = at % (outputs * group * group);
        const Index r = at / (outputs * group * group);
        const Real *image = x + (images[r] * outputs * group * group + channel) * height * width;
        const Span down = {top[r * group + i], bottom[r * group + i]};
        const Span across = {left[r * group + j], right[r * group + j]};
        const Index size = (down.end - down.first) * (across.end - across.first);
        Real total = 0;
        for (Index y = down.first; y < down.end; y++)
            for (Index z = across.first; z < across.end; z++) total += image[y * width + z];
        out[at] = size > 0 ? total / size : 0;
    }
}

extern "C" __global__ void mean_gradient(Index count, const Real *gradient, const int *images, const int *top,
                                         const int *bottom, const int *left, const int *right, Real *out, Index regions,
                                         Index outputs, Index height, Index width, Index group) {
    EACH(at, count) {
        const Index z = at % width, y = at / width % height, channels = outputs * group * group;
        const Index channel = at / width / height % channels, n = at / width / height / channels;
        const Index j = channel % group, i = channel / group % group;
        Real total = 0;
        for (Index r = 0; r < regions; r++) {
            const Span down = {top[r * group + i], bottom[r * group + i]};
            const Span across = {left[r * group + j], right[r * group + j]};
            if (images[r] != n || y < down.first || y >= down.end || z < across.first || z >= across.end) continue;
            total += gradient[r * channels + channel] / ((down.end - down.first) * (across.end - across.first));
        }
        out[at] = total;
    }
}
