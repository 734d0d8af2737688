//! The declared keys as a page for people: `docs/ref/config.md`.
//!
//! Owns the page's words around the tables. What the tables say is declared in [`super::keys`].

use std::fmt::Write;

use super::{
    keys,
    shape::{Form, Need, Section},
};

const INTRODUCTION: &str = "\
# Configuration reference · 配置参考

One TOML file describes a station. `cunkou check --config FILE` tells everything that is wrong with it at once, as
`file:line: what, why, how to mend`. This page is generated from the same declarations that read the file
(`UPDATE=1 cargo test --lib config` writes it anew); `config/cunkou.toml` is an example with every key, and
`config/cunkou.schema.json` completes it in editors that know `#:schema` (Even Better TOML, taplo).

一个 TOML 文件描述一个站点。`cunkou check --config FILE` 一次列出全部错误。本页由读取配置的同一份声明生成。

- Ids match `[a-z0-9][a-z0-9-]{0,47}`: they are part of MQTT topics. Names are free. · 标识只用小写字母、数字和连字符；名称不限。
- Coordinates are shares of the picture: `[0, 0]` is its top left corner, `[1, 1]` its bottom right one, whatever the resolution. · 坐标为画面比例。
- Units stand in the key: `_s` is seconds. · 单位写在键名里，`_s` 为秒。
- Relative paths start at the folder of the file. · 相对路径以配置文件所在目录为起点。
- A password never stands in the file: `password_env` names an environment variable, `password_file` a file that nobody but its owner can
  read (mode 0600 or 0400). · 密码不写入文件，只写环境变量名或仅所有者可读的文件。
- What is unknown is an error: a misspelt key is never silently ignored. · 未知的键一律报错。
";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut told = Vec::new();
    for key in keys::FILE.keys {
        if let Form::Table(of) | Form::Map { of, .. } = key.form {
            section(of, &mut page, &mut told);
        }
    }
    page
}

fn section(of: &'static Section, page: &mut String, told: &mut Vec<&'static str>) {
    if told.contains(&of.name) {
        return;
    }
    told.push(of.name);
    let heading = match of.name {
        "credentials" => "`credentials = { … }`".to_owned(),
        "tls" => "`tls = { … }`".to_owned(),
        "hours.ID.spans" => "`spans = [{ … }]` of `[hours.ID]`".to_owned(),
        name => format!("`[{name}]`"),
    };
    write!(page, "\n## {heading}\n\n{}\n\n{}\n\n", of.en, of.zh).expect("writing to a String cannot fail");
    page.push_str("| key | value | without it | meaning |\n|---|---|---|---|\n");
    for key in of.keys {
        let absent = match key.need {
            Need::Required => "**required**".to_owned(),
            Need::Optional(absent) => absent.to_owned(),
            Need::Default("{}") => match key.form {
                Form::Map { .. } => "none".to_owned(),
                _ => "all defaults".to_owned(),
            },
            Need::Default(literal) => format!("`{literal}`"),
        };
        let value = value(&key.form).replace('|', "\\|");
        writeln!(page, "| `{}` | {value} | {absent} | {} {} |", key.name, key.en, key.zh)
            .expect("writing to a String cannot fail");
    }
    if let Some(variants) = &of.variants {
        page.push('\n');
        for variant in variants.of {
            let mut says = Vec::new();
            if !variant.needs.is_empty() {
                says.push(format!("needs {}", list(variant.needs)));
            }
            if !variant.may.is_empty() {
                says.push(format!("may have {}", list(variant.may)));
            }
            writeln!(page, "- `{} = \"{}\"` {}", variants.by, variant.value, says.join(", "))
                .expect("writing to a String cannot fail");
        }
    }
    for (names, says) in [(of.exactly_one, "exactly one of"), (of.together, "both or neither of")] {
        if !names.is_empty() {
            writeln!(page, "\n- {says} {}", list(names)).expect("writing to a String cannot fail");
        }
    }
    for key in of.keys {
        nested(&key.form, page, told);
    }
}

fn nested(form: &'static Form, page: &mut String, told: &mut Vec<&'static str>) {
    match form {
        Form::Table(of) | Form::Map { of, .. } => section(of, page, told),
        Form::List { of, .. } => nested(of, page, told),
        _ => {}
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A value in a word or two.
fn value(form: &Form) -> String {
    match form {
        Form::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" | "),
        Form::Text | Form::Hidden => "text".into(),
        Form::Id => "id".into(),
        Form::Reference(noun) => format!("id of a `[{noun}.ID]`"),
        Form::Flag => "`true` | `false`".into(),
        Form::Whole(min, max) => format!("whole number, {min} to {max}"),
        Form::Real(min, max) => format!("number, {min} to {max}"),
        Form::Path => "path".into(),
        Form::Stream => "`rtsp://HOST:PORT/PATH`".into(),
        Form::Host => "host name or address".into(),
        Form::Listen => "`ADDRESS:PORT`".into(),
        Form::Zone => "IANA time zone".into(),
        Form::Web => "`https://HOST`".into(),
        Form::Date => "`YYYY-MM-DD`".into(),
        Form::Begin => "`HH:MM`, 00:00 to 23:59".into(),
        Form::End => "`HH:MM`, 00:00 to 24:00".into(),
        Form::Days => "`daily` | list of `mon` to `sun`".into(),
        Form::Point => "`[x, y]`".into(),
        Form::Polygon => "list of 3 to 64 `[x, y]`".into(),
        Form::Place => "`[lat, lon]`".into(),
        Form::List { of, min, max } => match of {
            Form::Table(_) => format!("{min} to {max} tables"),
            _ => format!("list ({min} to {max}) of {}", value(of)),
        },
        Form::Table(_) => "table".into(),
        Form::Map { max, .. } => format!("tables by id, at most {max}"),
    }
}
