// Layers in one direction with weights that are packed once: step by step for streams, with states and results at
// fixed places, and over whole sequences. A step is a sequence of one.
#pragma once

#include <algorithm>

#include "forward.h"
#include "step_weights.h"

namespace elman {

class Stepper {
  public:
    virtual ~Stepper() = default;

    // From now on `rows` streams and at most `threads` threads, with these places: input (rows, D), output (rows, H) of
    // the last layer, hidden and cell state (layers, rows, H). The caller reads and writes them between steps.
    virtual void bind(int64_t rows, int64_t threads, float* const* places) = 0;
    virtual void step() = 0;

    // A padded batch. Of the call are read rows, time, capacity, threads, lengths and x, and hidden and cell, which are
    // (layers, rows, H) here, as the final ones that are written beside the outputs. What is bound stays as it is.
    virtual void run(const ElmanCall& call, Arena& arena) const = 0;
};

template <int64_t KIND, class Weight>
class StepperOf final : public Stepper {
    using S = Shape<KIND>;
    static constexpr int COLUMNS = S::COLUMNS, SUMS = KIND == GRU ? 4 : COLUMNS;  // n of GRU keeps x and h apart
    static constexpr int TOGETHER = 3;  // rows: how many of them each loaded weight serves
    static constexpr int64_t WIDTH = COLUMNS * LANES;
    using Matrix = PackedMatrix<COLUMNS, Weight>;

    struct Layer {
        Matrix ih, hh;
        Buffer<float> bias;  // SUMS vectors a panel
    };

    int64_t activation, hidden_size, panels, widest;  // widest: of what the layers read
    std::vector<Layer> layers;
    Arena own;  // of what is bound

    // Where a call works, one layer after the other.
    struct Workspace {
        Plan plan;
        int64_t chunk_rows;
        float *hidden[2], *cell;  // (rows, H), by place
        float* inputs;            // of a chunk, (chunk rows, D)
        float* products;          // of these and W_ih, (chunk rows, panels, COLUMNS) vectors
        int16_t* numbers[2];      // for int8 weights, inputs and hidden states as numbers, (rows, widest + 1)
        Rounded* rounded[2];
        Barrier::Flag* flags;
    };

    ElmanCall bound{};
    Workspace bound_room{};
    int64_t taken = 0;  // steps
    Sharing sharing{1, 0};

  public:
    StepperOf(int64_t activation, int64_t count, const StepLayer* given)
        : activation(activation),
          hidden_size(given[0].hidden_size),
          panels(S::panels(hidden_size)),
          widest(std::max(given[0].input_size, hidden_size)) {
        for (int64_t at = 0; at < count; ++at) layers.push_back(pack(given[at]));
    }

    void bind(int64_t rows, int64_t threads, float* const* places) override {
        bound.rows = bound.capacity = rows, bound.time = 1;
        sharing = Sharing(threads, bytes());
        bound.threads = sharing.threads();
        bound.x = places[0], bound.outputs = places[1];
        bound.hidden = bound.final_hidden = places[2], bound.cell = bound.final_cell = places[3];
        describe(bound);
        own.begin();
        bound_room = make_workspace(bound, own);
    }

    void step() override {
        sharing.take([&](int64_t threads) {
            clear_flags(bound_room.flags, bound.threads);
            spread(threads, threads, bound, bound_room, taken);
        });
        ++taken;
    }

    void run(const ElmanCall& given, Arena& arena) const override {
        ElmanCall call = given;
        describe(call);
        const Workspace workspace = make_workspace(call, arena);
        spread(threads_of<KIND>(call, workspace.plan), most_helpers<KIND>(call), call, workspace, 0);
    }

  private:
    int64_t bytes() const {
        int64_t total = 0;
        for (const Layer& layer : layers) total += layer.ih.bytes(panels) + layer.hh.bytes(panels);
        return total;
    }

    // A call over at most `threads` threads, of which `most` divide the panels; `before`: steps in calls before it.
    void spread(int64_t threads, int64_t most, const ElmanCall& call, const Workspace& workspace,
                int64_t before) const {
        in_team(threads, [&](int64_t member, int64_t size) {
            const Shares shares{member, size, 1, panels, most};
            if (shares.idle()) return;
            Pass{*this,
                 call,
                 workspace,
                 Barrier(workspace.flags),
                 shares.helper(),
                 shares.helpers(),
                 shares.own_panels(),
                 before}
                .run();
        });
    }

    Layer pack(const StepLayer& from) const {
        const int64_t H = hidden_size;
        Layer to{Matrix(panels, from.input_size), Matrix(panels, H), Buffer<float>(panels * SUMS * LANES)};
        for (int64_t panel = 0; panel < panels; ++panel)
            for (int64_t at = 0; at < WIDTH; ++at) {
                const int64_t column = at / LANES, gate = S::GATES == 1 ? 0 : column;
                const int64_t unit = panel * S::UNITS * LANES + (S::GATES == 1 ? at : at % LANES);
                if (unit >= H) continue;  // stays zero
                const int64_t row = gate * H + unit;
                to.ih.put(from.weight_ih + row * from.input_size, panel, at);
                to.hh.put(from.weight_hh + row * H, panel, at);
                const float ih = from.bias_ih ? from.bias_ih[row] : 0, hh = from.bias_hh ? from.bias_hh[row] : 0;
                const bool apart = KIND == GRU && gate == 2;
                float* bias = to.bias.get() + panel * SUMS * LANES + at;
                bias[0] = apart ? ih : ih + hh;
                if (apart) bias[LANES] = hh;
            }
        return to;
    }

    void describe(ElmanCall& call) const {
        call.directions = 1, call.input_size = layers[0].ih.depth, call.hidden_size = hidden_size;
    }

    Workspace make_workspace(const ElmanCall& call, Arena& arena) const {
        Workspace workspace{};
        workspace.plan = make_plan(call, arena);
        const int64_t fitting = CHUNK_BYTES / (panels * WIDTH * int64_t(sizeof(float)));
        workspace.chunk_rows = std::max(call.rows, std::min(fitting, workspace.plan.total));
        for (float** state : {&workspace.hidden[0], &workspace.hidden[1], &workspace.cell})
            *state = arena.take<float>(call.rows * hidden_size);
        workspace.inputs = arena.take<float>(Matrix::BYTES ? 0 : workspace.chunk_rows * widest);
        workspace.products = arena.take<float>(workspace.chunk_rows * panels * WIDTH);
        const int64_t rows[] = {workspace.chunk_rows, call.rows};
        for (int which = 0; Matrix::BYTES && which < 2; ++which) {
            workspace.numbers[which] = arena.take<int16_t>(rows[which] * (widest + 1));
            workspace.rounded[which] = arena.take<Rounded>(rows[which]);
        }
        workspace.flags = take_flags(arena, call.threads);
        return workspace;
    }

    // What one thread does of a call: its share of the panels at each step, and of the rows between them.
    struct Pass {
        const StepperOf& own;
        const ElmanCall& call;
        const Workspace& workspace;
        Barrier barrier;
        int64_t member, members;
        Span panels;
        int64_t taken;  // steps, in calls before this one

        int64_t live(int64_t step) const { return workspace.plan.live[step]; }
        Span rows(int64_t total) const { return share(total, member, members); }

        void run() {
            const int64_t H = own.hidden_size, steps = workspace.plan.steps;
            clear_padding(call, call.outputs, H, rows(call.rows));
            for (size_t at = 0; at < own.layers.size(); ++at) {
                const Layer& layer = own.layers[at];
                begin_layer(at * call.rows * H);
                for (int64_t begin = 0, end; begin < steps; begin = end) {
                    int64_t count = live(begin);
                    for (end = begin + 1; end < steps && count + live(end) <= workspace.chunk_rows; ++end)
                        count += live(end);
                    // Outputs take the place of those of the layer before, which nobody reads after this.
                    collect(at ? call.outputs : call.x, layer.ih.depth, workspace.plan.offset[begin], count);
                    barrier.wait(member, members);
                    if (end == begin + 1) {
                        step_at_once(layer, begin);
                        continue;
                    }
                    for (int64_t panel = panels.begin; panel < panels.end; ++panel) project(layer, panel, count);
                    for (int64_t s = begin, done = 0; s < end; done += live(s++)) {
                        round_states(s);
                        for (int64_t turn = panels.begin; turn < panels.end; ++turn)
                            step(layer, panels.in_turn(turn, s), s, done);
                        barrier.wait(member, members);
                    }
                }
                end_layer(at * call.rows * H);
            }
        }

        void begin_layer(int64_t state) {
            const Span mine = rows(call.rows);
            for (int64_t p = mine.begin; p < mine.end; ++p) {
                const int64_t H = own.hidden_size, from = state + workspace.plan.row[p] * H;
                memcpy(workspace.hidden[0] + p * H, call.hidden + from, H * sizeof(float));
                if (KIND == LSTM) memcpy(workspace.cell + p * H, call.cell + from, H * sizeof(float));
            }
        }

        void end_layer(int64_t state) {
            const Span mine = rows(call.rows);
            for (int64_t p = mine.begin; p < mine.end; ++p) {
                const int64_t H = own.hidden_size, to = state + workspace.plan.row[p] * H;
                memcpy(call.final_hidden + to, workspace.hidden[workspace.plan.length[p] % 2] + p * H,
                       H * sizeof(float));
                if (KIND == LSTM) memcpy(call.final_cell + to, workspace.cell + p * H, H * sizeof(float));
            }
        }

        // What the layer reads at `count` real steps from `packed` on, beside each other.
        void collect(const float* x, int64_t depth, int64_t packed, int64_t count) {
            const Span mine = rows(count);
            for (int64_t i = mine.begin; i < mine.end; ++i) {
                const float* from = x + workspace.plan.place[0][packed + i] * depth;
                if constexpr (Matrix::BYTES)
                    round(0, i, from, depth);
                else
                    memcpy(workspace.inputs + i * depth, from, depth * sizeof(float));
            }
        }

        void round(int which, int64_t row, const float* from, int64_t depth) {
            workspace.rounded[which][row] = round_row(from, depth, workspace.numbers[which] + row * (own.widest + 1));
        }

        typename Matrix::Rows read(int which, const float* rows) const {
            if constexpr (Matrix::BYTES)
                return workspace.rounded[which];
            else
                return rows;
        }

        // A chunk of one step: both products of a panel after each other.
        void step_at_once(const Layer& layer, int64_t s) {
            round_states(s);
            for (int64_t at = panels.begin; at < panels.end; ++at) {
                const int64_t panel = panels.in_turn(at, taken + s);
                project(layer, panel, live(s));
                step(layer, panel, s, 0);
            }
            barrier.wait(member, members);
        }

        void project(const Layer& layer, int64_t panel, int64_t count) {
            InputTile tile{layer.ih, read(0, workspace.inputs), panel, workspace.products + panel * WIDTH,
                           own.panels * WIDTH};
            for_rows<TOGETHER>(0, count, tile);
        }

        void round_states(int64_t s) {
            if constexpr (Matrix::BYTES) {
                const Span mine = rows(live(s));
                for (int64_t p = mine.begin; p < mine.end; ++p)
                    round(1, p, workspace.hidden[s % 2] + p * own.hidden_size, own.hidden_size);
                barrier.wait(member, members);
            }
        }

        // Step s of a panel; the products of its first row stand `done` rows after those of the chunk.
        void step(const Layer& layer, int64_t panel, int64_t s, int64_t done) {
            const float* hidden = workspace.hidden[s % 2];
            StepTile tile{layer.hh,
                          read(1, hidden),
                          panel,
                          workspace.products + (done * own.panels + panel) * WIDTH,
                          own.panels * WIDTH,
                          layer.bias.get() + panel * SUMS * LANES,
                          hidden,
                          workspace.hidden[(s + 1) % 2],
                          workspace.cell,
                          call.outputs,
                          workspace.plan.place[0] + workspace.plan.offset[s],
                          own.hidden_size,
                          panel * S::UNITS * LANES,
                          own.activation};
            for_rows<TOGETHER>(0, live(s), tile);
        }
    };

    // The input product of some rows for one panel.
    struct InputTile {
        const Matrix& matrix;
        typename Matrix::Rows rows;
        int64_t panel;
        float* to;  // of the panel, rows `stride` apart
        int64_t stride;

        template <int M>
        ALWAYS_INLINE void run(int64_t first) {
            Vec product[M][COLUMNS];
            matrix.template multiply<M>(rows, first, panel, product);
            for (int m = 0; m < M; ++m)
                for (int c = 0; c < COLUMNS; ++c) store(to + (first + m) * stride + c * LANES, product[m][c]);
        }
    };

    // One step of some rows for one panel.
    struct StepTile {
        const Matrix& matrix;
        typename Matrix::Rows rows;
        int64_t panel;
        const float* products;  // of the inputs, rows `stride` apart
        int64_t stride;
        const float *bias, *before;
        float *after, *cell, *outputs;
        const int64_t* place;
        int64_t hidden_size, unit, activation;  // unit: the panel's first

        template <int M>
        ALWAYS_INLINE void run(int64_t first) {
            Vec product[M][COLUMNS];
            matrix.template multiply<M>(rows, first, panel, product);
            for (int m = 0; m < M; ++m) {
                Vec of_x[COLUMNS];
                for (int c = 0; c < COLUMNS; ++c) of_x[c] = load(products + (first + m) * stride + c * LANES);
                finish<M>(first + m, of_x, product[m]);
            }
        }

        template <int M>
        ALWAYS_INLINE void finish(int64_t row, Vec (&x)[COLUMNS], Vec (&h)[COLUMNS]) {
            const int64_t at = row * hidden_size + unit, left = hidden_size - unit;
            if constexpr (S::GATES == 1) {
                for (int c = 0; c < COLUMNS; ++c)
                    put(row, c * LANES, elman::activate(activation, x[c] + h[c] + load(bias + c * LANES)));
            } else if constexpr (KIND == LSTM) {
                Vec gate[4], c = load(cell + at, left);
                for (int g = 0; g < 4; ++g) gate[g] = x[g] + h[g] + load(bias + g * LANES);
                put(row, 0, lstm_step_in<M>(gate, c));
                store(cell + at, c, left);
            } else {
                Vec gate[] = {x[0] + h[0] + load(bias), x[1] + h[1] + load(bias + LANES),
                              x[2] + load(bias + 2 * LANES)};
                put(row, 0, gru_step_in<M>(gate, h[2] + load(bias + 3 * LANES), load(before + at, left)));
            }
        }

        ALWAYS_INLINE void put(int64_t row, int64_t column, Vec hidden) {
            const int64_t from = unit + column;
            store(after + row * hidden_size + from, hidden, hidden_size - from);
            store(outputs + place[row] * hidden_size + from, hidden, hidden_size - from);
        }
    };
};

template <int64_t KIND>
Stepper* make_stepper(int64_t weights, int64_t activation, int64_t count, const StepLayer* layers) {
    if (weights == BFLOAT16) return new StepperOf<KIND, uint16_t>(activation, count, layers);
    if (weights == INT8) return new StepperOf<KIND, int8_t>(activation, count, layers);
    return new StepperOf<KIND, float>(activation, count, layers);
}

}  // namespace elman
