//! Credentials: from where a password is kept to the password.
//!
//! Neither it nor what was written in its place is ever repeated: people write passwords where the name of a variable belongs.

use std::path::PathBuf;

use super::{
    Credentials, Secret,
    read::Reader,
    surroundings::NoSecret,
    tree::{Table, joined},
};

/// A user name, and the password found.
pub(super) fn credentials(table: &Table, reader: &mut Reader<'_, '_>) -> Option<Credentials> {
    let password = password(table, reader);
    Some(Credentials { user: table.get::<&str>("user")?.to_owned(), password: Secret::new(password?) })
}

fn password(table: &Table, reader: &mut Reader<'_, '_>) -> Option<String> {
    let (variable, file) = (table.placed::<&str>("password_env"), table.placed::<&PathBuf>("password_file"));
    let (at, subject, password) = match (variable, file) {
        (Some(variable), None) => {
            let subject = format!("the environment variable of `{}`", joined(&table.path, "password_env"));
            let Some(password) = reader.surroundings.variable(variable.it) else {
                let why = "there is no password then";
                let mend = "set it where the daemon is started (systemd: EnvironmentFile=); the key holds its name, not the password";
                reader.report.wrong(variable.at, format!("{subject} is not set"), why, mend);
                return None;
            };
            (variable.at, subject, password)
        }
        (None, Some(file)) => {
            let subject = format!("the file of `{}`", joined(&table.path, "password_file"));
            match reader.surroundings.secret(&reader.base.join(file.it)) {
                Ok(text) => (file.at, subject, text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(no) => {
                    let mend = match no {
                        NoSecret::Missing => {
                            "create it, or mend the path (relative ones start at the folder of the configuration)"
                        }
                        NoSecret::TooOpen { .. } => "chmod 600 it",
                        NoSecret::NotAFile | NoSecret::TooLong | NoSecret::NotText => {
                            "name a file that holds the password alone"
                        }
                        NoSecret::Unreadable(_) => "let it belong to the user that the daemon runs as",
                    };
                    reader.report.wrong(
                        file.at,
                        format!("{subject} gives no password"),
                        no.to_string(),
                        mend,
                    );
                    return None;
                }
            }
        }
        // Neither or both: reported when the table was checked.
        _ => return None,
    };
    if password.is_empty() || password.chars().any(char::is_control) {
        let what = format!("{subject} holds no password");
        let why = if password.is_empty() {
            "it is empty"
        } else {
            "it has more than one line or a control character"
        };
        reader.report.wrong(at, what, why, "let it hold the password alone");
        return None;
    }
    Some(password)
}
