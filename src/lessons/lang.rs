//! The languages of lessons.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Lang {
    /// English.
    #[serde(rename = "en")]
    En,
    /// Chinese, as written in mainland China.
    #[serde(rename = "zh-CN")]
    ZhCn,
}

impl Lang {
    /// Every language there is.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::ZhCn];

    /// Its tag: also the name of its folder.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::ZhCn => "zh-CN",
        }
    }

    /// The language with this folder.
    pub fn folder(name: &str) -> Option<Lang> {
        Lang::ALL.into_iter().find(|lang| lang.tag() == name)
    }

    /// The language that a tag or a locale means: `zh-CN`, `zh_CN.UTF-8`, `en_GB`, `C`.
    pub fn of(tag: &str) -> Option<Lang> {
        let tag = tag.to_lowercase();
        let first = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        match first {
            "en" | "c" | "posix" => Some(Lang::En),
            "zh" => Some(Lang::ZhCn),
            _ => None,
        }
    }

    /// The language of whoever started this process: that of the first of LC_ALL, LC_MESSAGES and LANG that is set.
    pub fn of_environment() -> Lang {
        let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
        locale.and_then(|locale| Lang::of(&locale)).unwrap_or(Lang::En)
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_mean_languages() {
        for (tag, lang) in [
            ("zh-CN", Some(Lang::ZhCn)),
            ("zh_CN.UTF-8", Some(Lang::ZhCn)),
            ("en", Some(Lang::En)),
            ("en_GB.UTF-8", Some(Lang::En)),
            ("C.UTF-8", Some(Lang::En)),
            ("POSIX", Some(Lang::En)),
            ("de_DE", None),
            ("", None),
        ] {
            assert_eq!(Lang::of(tag), lang, "{tag}");
        }
        assert_eq!(Lang::folder("zh-CN"), Some(Lang::ZhCn));
        assert_eq!(Lang::folder("zh"), None);
    }
}
