// Rectified values; what is computed stands in ops/rectify.py. A result may overwrite what it is made of.

extern "C" __global__ void rectify(Index count, const Real *x, Real *out, Real slope) {
    EACH(at, count) {
        const Real value = x[at];  // with slope 0 not the product: it would make NaN of infinity
        out[at] = value > 0 || value != value ? value : slope == 0 ? slope : value * slope;
    }
}

extern "C" __global__ void gradient(Index count, const Real *x, const Real *dy, Real *out, Real slope) {
    EACH(at, count) { out[at] = x[at] > 0 ? dy[at] : dy[at] * slope; }
}
