//! Every way to write a bad configuration, and what is said of it.

use super::*;

/// One case of `bad.txt`.
struct Case<'t> {
    title: &'t str,
    changes: Vec<Change<'t>>,
    problems: Vec<&'t str>,
}

/// Lines to find, and lines to put in their place.
#[derive(Default)]
struct Change<'t> {
    olds: Vec<&'t str>,
    news: Option<Vec<&'t str>>,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            cases.push(Case { title, changes: Vec::new(), problems: Vec::new() });
        }
        let Some(case) = cases.last_mut() else { continue };
        let (mark, rest) = line.split_at_checked(2).unwrap_or((line, ""));
        match mark {
            "= " => case.problems.push(rest),
            "- " => {
                if case.changes.last().is_none_or(|change| change.news.is_some()) {
                    case.changes.push(Change::default());
                }
                case.changes.last_mut().unwrap().olds.push(rest);
            }
            "+ " | "+" => {
                if case.changes.is_empty() {
                    case.changes.push(Change::default());
                }
                let news = case.changes.last_mut().unwrap().news.get_or_insert_default();
                news.extend((mark == "+ ").then_some(rest));
            }
            _ => {}
        }
    }
    cases
}

impl Case<'_> {
    fn text(&self) -> String {
        let mut text = GOOD.to_owned();
        for Change { olds, news } in &self.changes {
            let news = news.as_deref().unwrap_or_default();
            let block = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            if olds.is_empty() {
                text.push_str(&block(news));
            } else {
                // A newline before, so that only whole lines are found.
                let old = format!("\n{}", block(olds));
                let whole = format!("\n{text}");
                assert_eq!(whole.matches(&old).count(), 1, "{}: {old}", self.title);
                text = whole.replacen(&old, &format!("\n{}", block(news)), 1).split_off(1);
            }
        }
        text
    }
}

#[test]
fn good_is_good() {
    read(GOOD);
}

#[test]
fn every_problem_is_told_at_its_line() {
    let text = include_str!("bad.txt");
    let cases = cases(text);
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut written = String::new();
    let mut lines = text.lines().filter(|line| !line.starts_with("= ")).peekable();
    for line in lines.by_ref().take_while(|line| !line.starts_with("# ")) {
        written.push_str(&format!("{line}\n"));
    }
    let mut wrong = Vec::new();
    for case in &cases {
        let problems = told(&case.text()).map(|_| Vec::new()).unwrap_or_else(|problems| problems.0);
        let problems: Vec<String> =
            problems.iter().map(|problem| problem.to_string()[2..].to_owned()).collect();
        assert!(!problems.is_empty(), "{} passed", case.title);
        for problem in &problems {
            assert!(!problem.contains("hunter2") && !problem.contains("s3cr3t"), "{}: {problem}", case.title);
        }
        if problems != case.problems {
            wrong.push(format!("{}\n  {}", case.title, problems.join("\n  ")));
        }
        written.push_str(&format!("# {}\n", case.title));
        for Change { olds, news } in &case.changes {
            let news = news.as_deref().unwrap_or_default();
            olds.iter().for_each(|line| written.push_str(&format!("- {line}\n")));
            news.iter().for_each(|line| written.push_str(&format!("+ {line}\n")));
            if news.is_empty() {
                written.push_str("+\n");
            }
        }
        problems.iter().for_each(|line| written.push_str(&format!("= {line}\n")));
        written.push('\n');
    }
    if std::env::var_os("UPDATE").is_some() {
        follows("src/config/tests/bad.txt", &written);
    } else {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn a_station_without_a_camera_watches_nothing() {
    let problems = told("[station]\nid = \"demo\"\n").unwrap_err().0;
    assert_eq!(
        problems.iter().map(|problem| problem.what.as_str()).collect::<Vec<_>>(),
        ["there is no camera"]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cunkou.toml");
    let first = |path: &Path| load(path).unwrap_err().0.remove(0);
    assert_eq!(first(&path).what, "the configuration cannot be read");
    assert_eq!(first(folder.path()).what, "the configuration cannot be read");
    std::fs::write(&path, b"[station]\nid = \"\xff\"\n").unwrap();
    let problem = first(&path);
    assert_eq!((problem.line, problem.column), (2, 7));
    assert_eq!(problem.what, "this is no UTF-8");
    std::fs::write(&path, vec![b'\n'; TEXT_LEN_MAX as usize + 1]).unwrap();
    assert!(first(&path).what.starts_with("the configuration is longer"));
}

#[test]
fn relative_secrets_lie_beside_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cunkou.toml");
    let text = GOOD.replace("password_env = \"GATE_PASSWORD\"", "password_file = \"gate\"");
    std::fs::write(&path, text).unwrap();
    let secret = folder.path().join("gate");
    std::fs::write(&secret, "geheim\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = load(&path).unwrap_or_else(|problems| panic!("{problems}"));
    let credentials = config.cameras[0].credentials.as_ref().unwrap();
    assert_eq!((credentials.user.as_str(), credentials.password.reveal()), ("cunkou", "geheim"));
    assert_eq!(config.paths.data, folder.path().join("data"));
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(load(&path).unwrap_err().to_string().contains("0640"));
}

#[test]
fn problems_are_objects_in_json() {
    let problems = told("[station]\nid = 3\n").unwrap_err();
    let json = serde_json::to_value(&problems).unwrap();
    assert_eq!(json[0]["file"], "f");
    let mut keys: Vec<_> = json[0].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["column", "file", "line", "mend", "what", "why"]);
}

#[test]
fn the_list_of_problems_ends_somewhere() {
    let problems = told(&"a = [\n".repeat(3000)).unwrap_err().0;
    assert!(problems.len() <= PROBLEMS_MAX + 1);
    let many: String = (0..1500).map(|i| format!("[village.V{i}]\n")).collect();
    let problems = told(&many).unwrap_err().0;
    assert!(problems.len() <= PROBLEMS_MAX + 1, "{}", problems.len());
    let text = format!("{GOOD}{}", (0..1002).map(|i| format!("[village.V{i}]\n")).collect::<String>());
    let problems = told(&text).unwrap_err().0;
    assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    assert_eq!(problems[PROBLEMS_MAX].what, "2 more problems are not listed");
}
