"""Operations on values that hold other values: lists, stacks and arrays of tensors."""

from penstock.ops.data_flow import accumulators as accumulators
from penstock.ops.data_flow import mutex as mutex
from penstock.ops.data_flow import queues as queues
from penstock.ops.data_flow import readers as readers
from penstock.ops.data_flow import stack as stack
from penstock.ops.data_flow import tensor_array as tensor_array
from penstock.ops.data_flow import tensor_list as tensor_list
