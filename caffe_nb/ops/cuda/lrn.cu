// Local response normalization across channels; what is computed stands in ops/lrn.py. Values are (N, C, pixels).

__device__ inline Span neighbours(Index channel, Index size, Index channels) {
    return {max(channel - size / 2, (Index)0), min(channel + size / 2 + 1, channels)};
}

extern "C" __global__ void across(Index count, const Real *images, Real *scale, Real *out, Index channels, Index pixels,
                                  Index size, Real weight, Real beta, Real k) {
    EACH(at, count) {
        const Index channel = at / pixels % channels;
        const Span near = neighbours(channel, size, channels);
        const Real *first = images + at - channel * pixels;
        Real energy = 0;
        for (Index c = near.first; c < near.end; c++) energy += first[c * pixels] * first[c * pixels];
        scale[at] = k + weight * energy;
        out[at] = images[at] * pow(scale[at], -beta);
    }
}

// What each value's energy hands to its neighbours.
extern "C" __global__ void shares(Index count, const Real *images, const Real *scale, const Real *gradient, Real *out,
                                  Real beta) {
    EACH(at, count) { out[at] = gradient[at] * images[at] * pow(scale[at], -beta) / scale[at]; }
}

extern "C" __global__ void across_gradient(Index count, const Real *images, const Real *scale, const Real *gradient,
                                           const Real *shares, Real *out, Index channels, Index pixels, Index size,
                                           Real ratio, Real beta) {
    EACH(at, count) {
        const Index channel = at / pixels % channels;
        const Span near = neighbours(channel, size, channels);
        const Real *first = shares + at - channel * pixels;
        Real total = 0;
        for (Index c = near.first; c < near.end; c++) total += first[c * pixels];
        out[at] = gradient[at] * pow(scale[at], -beta) - ratio * images[at] * total;
    }
}
