//! The declared keys as a JSON Schema, for editors.
//!
//! Says of a file what its form tells: keys, types, ranges, words, defaults. What needs the whole file (references, hours, frames) only
//! [`super::parse`] can tell.

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::{
    keys,
    shape::{CORNERS_MAX, DAYS, Form, Key, Need, Section, TEXT_LEN_MAX},
};

/// JSON Schema (2020-12) of the configuration, as shipped in `config/cunkou.schema.json`.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let root = section(&keys::FILE, &mut definitions);
    let mut schema = Map::new();
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".into(), json!("urn:cunkou:schema:config:1.0"));
    schema.insert("title".into(), json!("Cunkou configuration"));
    schema.extend(root);
    schema.insert("$defs".into(), Value::Object(definitions));
    Value::Object(schema)
}

fn section(section: &'static Section, definitions: &mut Map<String, Value>) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in section.keys {
        properties.insert(key.name.into(), property(key, definitions));
        if matches!(key.need, Need::Required) {
            required.push(key.name);
        }
    }
    let mut schema = Map::new();
    schema.insert("description".into(), json!(format!("{}\n\n{}", section.en, section.zh)));
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), Value::Object(properties));
    schema.insert("additionalProperties".into(), json!(false));
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    if !section.exactly_one.is_empty() {
        let one: Vec<Value> = section.exactly_one.iter().map(|name| json!({ "required": [name] })).collect();
        schema.insert("oneOf".into(), json!(one));
    }
    if !section.together.is_empty() {
        let with: Map<String, Value> = section
            .together
            .iter()
            .map(|name| {
                let others: Vec<_> = section.together.iter().filter(|other| other != &name).collect();
                ((*name).to_owned(), json!(others))
            })
            .collect();
        schema.insert("dependentRequired".into(), Value::Object(with));
    }
    if let Some(all) = variants(section) {
        schema.insert("allOf".into(), all);
    }
    schema
}

/// For each word of the deciding key: what it needs, and what means nothing beside it.
fn variants(section: &Section) -> Option<Value> {
    let variants = section.variants.as_ref()?;
    let by = section.key(variants.by).expect("variants name declared keys");
    let governed: Vec<&str> =
        section.keys.iter().map(|key| key.name).filter(|name| variants.govern(name)).collect();
    let all: Vec<Value> = variants
        .of
        .iter()
        .map(|variant| {
            let mut condition = json!({ "properties": { variants.by: { "const": variant.value } } });
            // Where the deciding key is absent its default decides; a condition without `required` holds then too.
            if !matches!(by.need, Need::Default(word) if word.trim_matches('"') == variant.value) {
                condition["required"] = json!([variants.by]);
            }
            let meaningless: Map<String, Value> = governed
                .iter()
                .filter(|name| !variant.allows(name))
                .map(|name| ((*name).to_owned(), json!(false)))
                .collect();
            let mut then = Map::new();
            if !variant.needs.is_empty() {
                then.insert("required".into(), json!(variant.needs));
            }
            if !meaningless.is_empty() {
                then.insert("properties".into(), Value::Object(meaningless));
            }
            json!({ "if": condition, "then": then })
        })
        .collect();
    Some(json!(all))
}

fn property(key: &'static Key, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = Map::new();
    let absent = match key.need {
        Need::Optional(absent) => format!("\n\nWithout it: {absent}."),
        Need::Required | Need::Default(_) => String::new(),
    };
    schema.insert("description".into(), json!(format!("{}{absent}\n\n{}", key.en, key.zh)));
    schema.extend(form(&key.form, definitions));
    if let Need::Default(literal) = key.need {
        let value = DeValue::parse(literal).expect("defaults are TOML");
        schema.insert("default".into(), to_json(value.get_ref()));
    }
    Value::Object(schema)
}

fn form(form_: &'static Form, definitions: &mut Map<String, Value>) -> Map<String, Value> {
    let value = match form_ {
        Form::Text | Form::Hidden => json!({ "type": "string", "minLength": 1, "maxLength": TEXT_LEN_MAX }),
        Form::Path | Form::Host | Form::Zone => json!({ "type": "string", "minLength": 1 }),
        Form::Id | Form::Reference(_) => json!({ "type": "string", "pattern": ID }),
        Form::Choice(words) => json!({ "type": "string", "enum": words }),
        Form::Flag => json!({ "type": "boolean" }),
        Form::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Form::Real(min, max) => json!({ "type": "number", "minimum": min, "maximum": max }),
        Form::Stream => json!({ "type": "string", "pattern": "^[Rr][Tt][Ss][Pp]://[^/?#@]+([/?].*)?$" }),
        Form::Web => json!({ "type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+(/[^?#]*)?$" }),
        Form::Listen => json!({ "type": "string", "pattern": "^(\\[[0-9a-fA-F:.]+\\]|[0-9.]+):[0-9]+$" }),
        Form::Date => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
        Form::Begin => json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" }),
        Form::End => json!({ "type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$" }),
        Form::Days => json!({ "anyOf": [
            { "const": "daily" },
            { "type": "array", "items": { "enum": DAYS }, "minItems": 1, "uniqueItems": true },
        ] }),
        Form::Point => point(),
        Form::Polygon => {
            json!({ "type": "array", "items": point(), "minItems": 3, "maxItems": CORNERS_MAX })
        }
        Form::Place => json!({
            "type": "array",
            "prefixItems": [
                { "type": "number", "minimum": -90, "maximum": 90 },
                { "type": "number", "minimum": -180, "maximum": 180 },
            ],
            "items": false,
            "minItems": 2,
        }),
        Form::List { of, min, max } => {
            json!({ "type": "array", "items": form(of, definitions), "minItems": min, "maxItems": max })
        }
        Form::Table(of) => json!({ "$ref": reference(of, definitions) }),
        Form::Map { of, max } => json!({
            "type": "object",
            "propertyNames": { "pattern": ID },
            "additionalProperties": { "$ref": reference(of, definitions) },
            "maxProperties": max,
        }),
    };
    match value {
        Value::Object(map) => map,
        _ => unreachable!("each form is a JSON object"),
    }
}

const ID: &str = "^[a-z0-9][a-z0-9-]{0,47}$";

fn point() -> Value {
    json!({
        "type": "array",
        "items": { "type": "number", "minimum": 0, "maximum": 1 },
        "minItems": 2,
        "maxItems": 2,
    })
}

/// Defines a section once, however many keys hold one.
fn reference(of: &'static Section, definitions: &mut Map<String, Value>) -> String {
    if !definitions.contains_key(of.name) {
        // Holds the place, so that definitions stand in the order of the file.
        definitions.insert(of.name.into(), Value::Null);
        let schema = section(of, definitions);
        definitions.insert(of.name.into(), Value::Object(schema));
    }
    format!("#/$defs/{}", of.name)
}

pub(super) fn to_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, |n| json!(n))
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, |n| json!(n)),
        DeValue::Boolean(flag) => json!(flag),
        DeValue::Datetime(time) => json!(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), to_json(value.get_ref())))
            .collect::<Map<_, _>>()
            .into(),
    }
}
