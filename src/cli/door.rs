//! The door to a daemon at work: its HTTP API, asked from the command line.
//!
//! Owns the connection, the token that opens it, and how a refusal becomes an exit code. The daemon alone has its store open, so whoever wants to know something asks it.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow};
use cunkou::{
    config,
    console::LOCAL_TOKEN,
    evidence::{Actor, Purpose},
};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::Failure;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// Longest JSON answer, in bytes.
const JSON_LEN_MAX: u64 = 64 << 20;
/// Names the file with the daemon's local token.
const TOKEN_FILE: &str = "CUNKOU_TOKEN_FILE";
/// Longest token, bytes.
const TOKEN_LEN_MAX: u64 = 256;
/// Written to a file at once, bytes.
const STEP: usize = 256 * 1024;

/// Where the daemon is.
#[derive(clap::Args)]
pub(super) struct Door {
    /// Configuration of the daemon that is asked
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of its page, where no configuration is given
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", conflicts_with = "config")]
    at: String,
    /// The daemon's local token, where no configuration is given [default: what CUNKOU_TOKEN_FILE names]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Where a daemon is asked, and what opens it.
struct Way {
    base: String,
    token: Option<Zeroizing<String>>,
}

/// Who asks, and what for: it is written into the audit log.
#[derive(clap::Args)]
pub(super) struct Warrant {
    /// Your name
    #[arg(long, value_name = "NAME")]
    who: String,
    /// Your unit
    #[arg(long, value_name = "NAME")]
    unit: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// Reference of the case
    #[arg(long, value_name = "REF")]
    case: String,
}

/// Parameters of an address.
pub(super) type Pairs = Vec<(&'static str, String)>;

impl Warrant {
    /// As it is written down.
    pub(super) fn read(&self) -> Result<(Actor, Purpose), Failure> {
        let actor = Actor::new(&self.who, &self.unit).map_err(Failure::input)?;
        Ok((actor, Purpose::new(&self.purpose, &self.case).map_err(Failure::input)?))
    }

    pub(super) fn pairs(&self) -> Pairs {
        vec![
            ("who", self.who.clone()),
            ("unit", self.unit.clone()),
            ("purpose", self.purpose.clone()),
            ("case", self.case.clone()),
        ]
    }
}

/// One parameter for each value that is there.
pub(super) fn each<'v>(name: &'static str, values: impl IntoIterator<Item = &'v String>) -> Pairs {
    values.into_iter().map(|value| (name, value.clone())).collect()
}

type Answer = ureq::http::Response<ureq::Body>;

impl Door {
    fn way(&self) -> Result<Way, Failure> {
        let config =
            self.config.as_ref().map(|path| config::load(path).map_err(Failure::input)).transpose()?;
        let base = match &config {
            Some(config) => format!("http://{}", config.console.listen),
            None => self.at.trim_end_matches('/').to_owned(),
        };
        let named = self.token_file.clone().or_else(|| std::env::var_os(TOKEN_FILE).map(PathBuf::from));
        let token = match (named, &config) {
            (Some(path), _) => Some(read_token(&path).map_err(|why| unreadable(&path, &why))?),
            (None, Some(config)) => {
                let path = config.paths.data.join(LOCAL_TOKEN);
                match read_token(&path) {
                    Ok(token) => Some(token),
                    // A daemon that was never started has none, and does not answer either.
                    Err(why) if why.kind() == io::ErrorKind::NotFound => None,
                    Err(why) => return Err(unreadable(&path, &why)),
                }
            }
            (None, None) => None,
        };
        Ok(Way { base, token })
    }

    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_recv_response(Some(ANSWER_WITHIN))
            .http_status_as_error(false)
            .build()
            .into()
    }

    /// Asks for JSON.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, pairs: &Pairs) -> Result<T, Failure> {
        json(self.open(path, pairs)?)
    }

    /// Sends JSON, and gets some.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let way = self.way()?;
        let body = serde_json::to_vec(body)?;
        let request = way.opened(Self::agent().post(way.to(path))).header("content-type", "application/json");
        json(answered(request.send(&body[..]), &way.base)?)
    }

    /// Sends a command, and gets its answer, which is JSON also where it was not done.
    pub(super) fn order<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let way = self.way()?;
        let body = serde_json::to_vec(body)?;
        let request = way.opened(Self::agent().post(way.to(path))).header("content-type", "application/json");
        let answer = request.send(&body[..]);
        let is_answer = |answer: &Answer| {
            let media = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
            media.is_some_and(|media| media.starts_with("application/json"))
        };
        match answer {
            Ok(answer) if is_answer(&answer) => json(answer),
            other => json(answered(other, &way.base)?),
        }
    }

    /// Writes what is there into a file that does not exist yet; says how far it is. Nothing is left behind where it fails.
    pub(super) fn fetch(&self, path: &str, pairs: &Pairs, to: &Path) -> Result<u64, Failure> {
        let answer = self.open(path, pairs)?;
        let len = answer.body().content_length();
        let mut file = File::create_new(to).map_err(|why| {
            Failure::input(anyhow!("{}: {why}; name a file that is not there yet", to.display()))
        })?;
        let copied = copy(answer.into_body().into_reader(), &mut file, len).and_then(|copied| {
            file.sync_all()?;
            match len {
                Some(len) if len != copied => {
                    Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{copied} of {len} bytes came")))
                }
                _ => Ok(copied),
            }
        });
        copied
            .inspect_err(|_| {
                // The reason why it failed is the one to tell.
                let _ = std::fs::remove_file(to);
            })
            .with_context(|| format!("{} was not written", to.display()))
            .map_err(Failure::Failed)
    }

    fn open(&self, path: &str, pairs: &Pairs) -> Result<Answer, Failure> {
        let way = self.way()?;
        let asked = way.opened(Self::agent().get(way.to(path)));
        let request = pairs.iter().fold(asked, |request, (name, value)| request.query(*name, value));
        answered(request.call(), &way.base)
    }
}

impl Way {
    fn to(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn opened<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {}", **token)),
            None => request,
        }
    }
}

fn read_token(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(TOKEN_LEN_MAX).read_to_string(&mut text)?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn unreadable(path: &Path, why: &io::Error) -> Failure {
    Failure::input(anyhow!(
        "{}: the daemon's local token cannot be read: {why}; ask as the user that runs the daemon, or name a copy with --token-file",
        path.display()
    ))
}

fn answered(answer: Result<Answer, ureq::Error>, base: &str) -> Result<Answer, Failure> {
    let mut answer = answer.map_err(|why| {
        anyhow!("no daemon answers at {base} ({why}): start it with `cunkou run`, or name its --config or its address --at")
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if status == ureq::http::StatusCode::UNAUTHORIZED {
        return Err(Failure::Input(anyhow!(
            "the daemon at {base} does not know who asks: name its --config, or its local token with --token-file or {TOKEN_FILE}: that is {LOCAL_TOKEN} in its data folder"
        )));
    }
    let words = answer.body_mut().with_config().limit(64 * 1024).read_to_string().unwrap_or_default();
    let words = match words.trim() {
        "" => status.to_string(),
        words => words.to_owned(),
    };
    Err(if status.is_client_error() {
        Failure::Input(anyhow!(words))
    } else {
        Failure::Failed(anyhow!(words))
    })
}

fn json<T: DeserializeOwned>(mut answer: Answer) -> Result<T, Failure> {
    let text = answer.body_mut().with_config().limit(JSON_LEN_MAX).read_to_string()?;
    serde_json::from_str(&text)
        .context("the daemon's answer is not what this program expects: are both of one version?")
        .map_err(Failure::Failed)
}

fn copy(mut from: impl Read, to: &mut impl Write, len: Option<u64>) -> io::Result<u64> {
    let shows = io::stderr().is_terminal();
    let (mut bytes, mut copied, mut told) = (vec![0; STEP], 0u64, 0);
    loop {
        let read = from.read(&mut bytes)?;
        if read == 0 {
            break;
        }
        to.write_all(&bytes[..read])?;
        copied += read as u64;
        let percent = len.map_or(0, |len| copied * 100 / len.max(1));
        if shows && percent != told {
            told = percent;
            eprint!("\r{percent} %");
        }
    }
    if told > 0 {
        eprintln!();
    }
    Ok(copied)
}
