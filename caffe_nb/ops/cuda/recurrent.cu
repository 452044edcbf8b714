// Steps of recurrent networks, one thread a unit of a stream; what is computed stands in ops/recurrent.py. What comes
// from the step before (or after) is a matrix product of its state, not yet multiplied with how much of it goes on.

__device__ inline Real sigmoid(Real x) { return 1 / (1 + exp(-x)); }

extern "C" __global__ void lstm_unit(Index count, Real *gates, const Real *product, const Real *cont,
                                     const Real *c_before, Real *c, Real *h, Index units, Index carries) {
    EACH(at, count) {
        const Index n = at / units, first = n * 4 * units + at % units;
        Real gate[4];
        for (Index k = 0; k < 4; k++) {
            const Index there = first + k * units;
            const Real x = carries ? gates[there] + cont[n] * product[there] : gates[there];
            gates[there] = gate[k] = k < 3 ? sigmoid(x) : tanh(x);
        }
        const Real cell = gate[1] * c_before[at] * cont[n] + gate[0] * gate[3];
        c[at] = cell;
        h[at] = gate[2] * tanh(cell);
    }
}

extern "C" __global__ void lstm_unit_gradient(Index count, const Real *gates, const Real *cont, const Real *c_before,
                                              const Real *c, const Real *dc, const Real *dh, const Real *product,
                                              const Real *cont_after, Real *d_gates, Real *dc_before, Index units,
                                              Index carries) {
    EACH(at, count) {
        const Index n = at / units, first = n * 4 * units + at % units;
        const Real i = gates[first], f = gates[first + units], o = gates[first + 2 * units];
        const Real g = gates[first + 3 * units], s = tanh(c[at]);
        const Real above = carries ? dh[at] + cont_after[n] * product[at] : dh[at];
        const Real total = (1 - s * s) * o * above + dc[at], carried = total * f * cont[n];
        d_gates[first] = total * g * i * (1 - i);
        d_gates[first + units] = carried * c_before[at] * (1 - f);
        d_gates[first + 2 * units] = above * s * o * (1 - o);
        d_gates[first + 3 * units] = total * i * (1 - g * g);
        dc_before[at] = carried;
    }
}

extern "C" __global__ void rnn_step(Index count, Real *h, const Real *product, const Real *cont, Index units) {
    EACH(at, count) { h[at] = tanh(h[at] + cont[at / units] * product[at]); }
}

extern "C" __global__ void rnn_step_gradient(Index count, const Real *h, const Real *product, const Real *cont_after,
                                             Real *dh, Index units, Index carries) {
    EACH(at, count) {
        const Real above = carries ? dh[at] + cont_after[at / units] * product[at] : dh[at];
        dh[at] = above * (1 - h[at] * h[at]);
    }
}
