//! The books: implements the store port; the only room that speaks SQL and the only one that seals secrets at rest.
