//! The pictures: the only room that dials addresses strangers gave us and decodes their bytes.
