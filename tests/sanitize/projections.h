// Linear maps and the logarithms of their softmax, with weights that are packed once, by one caller or several at once.
#pragma once

#include <thread>

#include "cases.h"

struct Head {
    int64_t rows, depth, columns;
};

inline void try_projection(const Head& of, int64_t callers) {
    const int64_t rows = of.rows, depth = of.depth, columns = of.columns;
    ++cases;
    at_hand = "projection, " + std::to_string(rows) + " rows, depth " + std::to_string(depth) + ", " +
              std::to_string(columns) + " columns" + (elman::apart ? ", memory apart" : "");
    std::mt19937 random(unsigned(rows * 5 + depth * 3 + columns));
    Array<float> weight = draw(columns * depth, random, 1), bias = draw(columns, random, 1);
    Array<float> x = draw(rows * depth, random, 1), logits(rows * columns), expected(rows * columns);
    for (int64_t row = 0; row < rows; ++row) {
        std::vector<double> sums(bias.data, bias.data + columns);
        double total = 0;
        for (int64_t column = 0; column < columns; ++column) {
            for (int64_t k = 0; k < depth; ++k)
                sums[column] += double(weight.data[column * depth + k]) * x.data[row * depth + k];
            total += std::exp(sums[column]);
        }
        for (int64_t column = 0; column < columns; ++column) {
            logits.data[row * columns + column] = float(sums[column]);
            expected.data[row * columns + column] = float(sums[column] - std::log(total));
        }
    }
    elman::permitted = 1 + columns % 4;
    void* projection = elman_projection_pack(depth, columns, elman::permitted, weight.data, bias.data);
    weight = Array<float>(), bias = Array<float>();  // they are packed; ours may go

    auto call = [&, about = at_hand] {
        at_hand = about;
        for (int64_t as_logs : {0, 1}) {
            Array<float> alone(rows * columns);
            for (int64_t row = 0; row < rows; ++row)
                elman_projection_run(projection, 1, 1, as_logs, x.data + row * depth, alone.data + row * columns);
            compare("scores", alone.data, (as_logs ? expected : logits).data, rows * columns, 1e-4f);
            for (int64_t threads : {1, 2, 3, 4}) {
                Array<float> together(rows * columns);
                elman::permitted = threads;
                elman_projection_run(projection, rows, threads, as_logs, x.data, together.data);
                compare("scores together", together.data, alone.data, rows * columns, 0);
            }
        }
    };
    std::vector<std::thread> others;
    for (int64_t caller = 1; caller < callers; ++caller) others.emplace_back(call);
    call();
    for (std::thread& other : others) other.join();
    elman_projection_free(projection);
}
