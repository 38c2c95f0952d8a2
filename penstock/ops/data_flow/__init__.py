"""Operations on values that hold other values: lists of tensors."""

from penstock.ops.data_flow import tensor_list as tensor_list
