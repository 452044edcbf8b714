// Values (outer, channels, inner) and numbers for each channel; what is computed stands in ops/channels.py and
// ops/normalize.py. A result may overwrite what it is made of.

extern "C" __global__ void scale(Index count, const Real *x, const Real *factors, const Real *offsets, Real *out,
                                 Real *kept, Index channels, Index inner, Index has_offsets, Index keeps) {
    EACH(at, count) {
        const Index c = at / inner % channels;
        const Real value = x[at];
        if (keeps) kept[at] = value;
        out[at] = has_offsets ? value * factors[c] + offsets[c] : value * factors[c];
    }
}

extern "C" __global__ void deviation_squares(Index count, const Real *x, const Real *mean, Real *out, Index channels,
                                             Index inner) {
    EACH(at, count) {
        const Real apart = x[at] - mean[at / inner % channels];
        out[at] = apart * apart;
    }
}

extern "C" __global__ void standardize(Index count, const Real *x, const Real *mean, const Real *deviation, Real *out,
                                       Real *kept, Index channels, Index inner) {
    EACH(at, count) {
        const Index c = at / inner % channels;
        kept[at] = out[at] = (x[at] - mean[c]) / deviation[c];
    }
}

extern "C" __global__ void standardized_gradient(Index count, const Real *y, const Real *dy, const Real *mean,
                                                 const Real *correlation, const Real *deviation, Real *out,
                                                 Index channels, Index inner) {
    EACH(at, count) {
        const Index c = at / inner % channels;
        out[at] = (dy[at] - mean[c] - y[at] * correlation[c]) / deviation[c];
    }
}

// One thread a channel from here on.
extern "C" __global__ void deviations(Index count, const Real *variance, Real *out, Real eps) {
    EACH(c, count) { out[c] = sqrt(variance[c] + eps); }
}

extern "C" __global__ void remember(Index count, const Real *mean, const Real *variance, Real *means, Real *variances,
                                    Real *passes, Real fraction, Real unbiased) {
    EACH(c, count) {
        means[c] = means[c] * fraction + mean[c];
        variances[c] = variances[c] * fraction + variance[c] * unbiased;
        if (c == 0) passes[0] = passes[0] * fraction + 1;
    }
}
