// Put before every file of kernels, behind two names: Real, the type of the values, and Index, a whole number that
// counts to their end. Kernels are launched with as many threads as there are results, or fewer; each thread then
// takes several. No thread writes what another one reads or writes, so results do not depend on who comes first.

#define EACH(i, count)                                                                                               \
    for (Index i = (Index)blockIdx.x * (Index)blockDim.x + (Index)threadIdx.x; i < (count);                          \
         i += (Index)gridDim.x * (Index)blockDim.x)

// What is seen along an axis: from `first` up to `end`, without it.
struct Span {
    Index first, end;
};

// The pixels that a window sees, of an axis of so many.
__device__ inline Span pixels_of(Index window, Index kernel, Index stride, Index pad, Index length) {
    const Index begin = window * stride - pad;
    return {max(begin, (Index)0), min(begin + kernel, length)};
}

// The windows that see a pixel, of so many.
__device__ inline Span windows_on(Index pixel, Index kernel, Index stride, Index pad, Index count) {
    const Index last = pixel + pad, before = last - kernel;
    return {before < 0 ? 0 : before / stride + 1, min(last / stride + 1, count)};
}
