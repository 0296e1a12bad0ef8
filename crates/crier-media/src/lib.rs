//! The pictures: the only room that dials addresses strangers gave us and the only one that decodes their bytes.
//!
//! Nothing dials yet: sources and links of pictures are checked by the wire's grammar and kept with their story, and a story
//! shows without its pictures. The room stands so that the wall stands: no other crate may grow a connector or a decoder.
