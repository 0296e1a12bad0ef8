//! Rust files as a syntax parser sees them: lengths, public items and their docs, panicking calls, tests.

use crate::tree;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Part of a crate's library or binary.
    Code,
    /// Tests, benches, examples, fuzz targets.
    Proof,
}

/// A function and its length in lines, signature to closing brace.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Lines.
    pub lines: usize,
}

/// One Rust file.
#[derive(Debug)]
pub struct Source {
    /// Path from the root.
    pub file: String,
    /// The crate: the folder below `crates/`, or the top folder.
    pub room: String,
    /// What it is for.
    pub role: Role,
    /// Its text.
    pub text: String,
    /// Lines outside `#[cfg(test)]` modules.
    pub code_lines: usize,
    /// Lines inside them, or all lines of a proof.
    pub test_lines: usize,
    /// Lines that are comments.
    pub comment_lines: usize,
    /// Whether it begins with a module head.
    pub has_head: bool,
    /// Functions outside tests.
    pub functions: Vec<Function>,
    /// Public items outside tests: all, and those without a doc.
    pub public_items: usize,
    /// Names of public items without a doc.
    pub undocumented: Vec<String>,
    /// Calls of `unwrap` outside tests.
    pub unwraps: usize,
    /// Calls of `expect` outside tests.
    pub expects: usize,
    /// Line ranges of `#[cfg(test)]` modules, 1-based, inclusive.
    pub test_ranges: Vec<(usize, usize)>,
}

impl Source {
    /// The text with the lines of `#[cfg(test)]` modules left empty.
    pub fn code_text(&self) -> String {
        let inside = |line: usize| {
            self.test_ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&line))
        };
        let kept = self
            .text
            .lines()
            .enumerate()
            .map(|(index, line)| if inside(index + 1) { "" } else { line });
        kept.collect::<Vec<_>>().join("\n")
    }
}

/// All Rust files of the tree, parsed.
pub fn sources() -> Result<Vec<Source>, String> {
    let files = tree::files()?;
    files
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
        .map(source)
        .collect()
}

fn source(file: String) -> Result<Source, String> {
    let text = tree::read(&file)?;
    let syntax = syn::parse_file(&text).map_err(|error| format!("{file}: {error}"))?;
    let mut folders = file.split('/');
    let top = folders.next().unwrap_or_default();
    let room = if top == "crates" {
        folders.next().unwrap_or_default()
    } else {
        top
    }
    .to_owned();
    let is_proof = ["/tests/", "/benches/", "/examples/", "/fuzz/"]
        .iter()
        .any(|part| file.contains(part))
        || ["/tests.rs", "_test.rs", "_tests.rs"]
            .iter()
            .any(|ending| file.ends_with(ending));
    let mut look = Look::default();
    look.visit_file(&syntax);
    let all_lines = text.lines().count();
    let inside: usize = look.test_ranges.iter().map(|(from, to)| to - from + 1).sum();
    let (code_lines, test_lines) = if is_proof {
        (0, all_lines)
    } else {
        (all_lines - inside, inside)
    };
    Ok(Source {
        room,
        role: if is_proof { Role::Proof } else { Role::Code },
        code_lines,
        test_lines,
        comment_lines: text
            .lines()
            .filter(|line| line.trim_start().starts_with("//"))
            .count(),
        has_head: text.trim_start_matches('\u{feff}').starts_with("//!"),
        functions: look.functions,
        public_items: look.public_items,
        undocumented: look.undocumented,
        unwraps: look.unwraps,
        expects: look.expects,
        test_ranges: look.test_ranges,
        file,
        text,
    })
}

#[derive(Default)]
struct Look {
    functions: Vec<Function>,
    public_items: usize,
    undocumented: Vec<String>,
    unwraps: usize,
    expects: usize,
    test_ranges: Vec<(usize, usize)>,
}

fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute
                .path()
                .segments
                .last()
                .is_some_and(|last| last.ident == "test")
            || (attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|path| path.is_ident("test")))
    })
}

fn is_documented(attributes: &[syn::Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("doc"))
}

impl Look {
    fn public(&mut self, visibility: &syn::Visibility, attributes: &[syn::Attribute], name: &syn::Ident) {
        let is_public = match visibility {
            syn::Visibility::Public(_) => true,
            syn::Visibility::Restricted(restricted) => restricted.path.is_ident("crate"),
            _ => false,
        };
        if is_public {
            self.public_items += 1;
            if !is_documented(attributes) {
                self.undocumented.push(name.to_string());
            }
        }
    }

    fn function(&mut self, name: &syn::Ident, signature: proc_macro2::Span, block: proc_macro2::Span) {
        let lines = block.end().line.saturating_sub(signature.start().line) + 1;
        self.functions.push(Function {
            name: name.to_string(),
            lines,
        });
    }
}

impl<'ast> Visit<'ast> for Look {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test_only(&item.attrs) {
            let span = item.span();
            self.test_ranges.push((span.start().line, span.end().line));
            return;
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if is_test_only(&item.attrs) {
            return;
        }
        self.public(&item.vis, &item.attrs, &item.sig.ident);
        self.function(&item.sig.ident, item.sig.span(), item.block.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.public(&item.vis, &item.attrs, &item.sig.ident);
        self.function(&item.sig.ident, item.sig.span(), item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.public(&item.vis, &item.attrs, &item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.public(&item.vis, &item.attrs, &item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.public(&item.vis, &item.attrs, &item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.public(&item.vis, &item.attrs, &item.ident);
        visit::visit_item_const(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.public(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "unwrap" && call.args.is_empty() {
            self.unwraps += 1;
        }
        if call.method == "expect" && call.args.len() == 1 {
            self.expects += 1;
        }
        visit::visit_expr_method_call(self, call);
    }
}
