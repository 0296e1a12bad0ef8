//! Properties of the wire: the order of decimals, and that what is rendered reads back.
