//! The hub: implements the ledger, deliver and ticket ports; keeps connections, mailboxes and call order.
