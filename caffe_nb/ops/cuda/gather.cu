// Rows added up by their numbers; what is computed stands in ops/gather.py. A key is the number of the row to add to,
// times how many rows there are, plus which of these it is; keys are sorted, so that each row is added to in order.

extern "C" __global__ void add_rows(Index count, const Real *rows, const long long *keys, Real *out, Index width,
                                    Index number) {
    EACH(at, count) {
        const long long least = (long long)(at / width) * number;
        Index first = 0, end = number;
        while (first < end) {
            const Index middle = (first + end) / 2;
            if (keys[middle] < least)
                first = middle + 1;
            else
                end = middle;
        }
        Real total = out[at];
        for (Index i = first; i < number && keys[i] < least + number; i++)
            total += rows[(Index)(keys[i] - least) * width + at % width];
        out[at] = total;
    }
}
