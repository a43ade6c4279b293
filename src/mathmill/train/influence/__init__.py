"""The value of rows by gradients: what learning a row would do for the problems aimed at.

A reference model with LoRA factors reads every row; the gradient of a row's loss at those
factors, projected to a few thousand numbers, is the row's feature. A row is worth the cosine of
its feature to the mean feature of a target set (JiuZhang3.0; papers: 2.3, 4.5).

    rows -> gradients (per row, float32) -> projection -> features (disk) -> values -> Valued rows

`header` is what features must have in common before two of them may be compared; `projection`
draws the signs; `gradients` reads rows' gradients, several rows a backward; `features` keeps them
on disk; `values` compares; `baselines` are the ways without a gradient; `run` is the step.

The seam, between who makes features and who keeps them:
- `features.Writer(folder, header)` opens a new store or goes on with one (another header:
  UsageError). `writer.taken`: how many input rows the blocks on disk have used up, those that were
  dropped included. `writer.append(ids, seeds, rows, taken)` adds one block, `rows` float32
  (n, dimension) not normalised and finite, n may be 0; on return it survives a kill.
  `writer.close()` -> `features.Features`.
- `features.Features(folder)`: `header`, `ids`, `seeds`, `norms` (n,) float32, `rows` (n, dimension)
  float16, memory-mapped, each row divided by its norm.
- `values.valued(candidates, targets, weights, over)` -> `Valued` rows in the candidates' order;
  `candidates`: one `Features` a checkpoint, `targets`: name -> one `Features` a checkpoint,
  `weights`: one a checkpoint, summing to 1; `over`: `mean` over all target rows (JiuZhang3.0) or
  `max` over the sets (LESS). Features of different spaces are refused (`Header.space`).

Used as: `pipeline.value(rows, {"train": known}, reference=ref)`; its step is `run.run`.
"""
