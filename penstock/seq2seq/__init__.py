"""Sequence to sequence: decoders, attention, beam search and losses, as `tf.contrib.seq2seq` had them.

`decoder` runs any decoder in a loop, `basic_decoder` and `helpers` are the plain kind, `attention` and
`attention_wrapper` let a cell look at a memory, `beam_search` keeps the best few sequences, `loss` compares logits with
tokens. Read `decoder.py` first.
"""
