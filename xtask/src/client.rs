//! The browser client: built from its source, put into the server's assets, and proved fresh without Node.

use crate::run::Step;

/// Builds the client with the packages of its lock file.
pub fn build() -> Result<(), String> {
    for line in ["npm ci --no-audit --no-fund", "npm run build"] {
        if Step::new("browser client", line).below("clients/js").run().failed > 0 {
            return Err(format!("clients/js: {line} failed"));
        }
    }
    Ok(())
}
