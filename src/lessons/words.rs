//! What is said beside the lessons, in each language: one table.

use super::Lang;

macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// What is said, in one language. `{name}` is filled in by [`fill`].
        #[derive(Debug)]
        pub struct Words {
            $(#[doc = $en] pub $name: &'static str,)*
        }

        const EN: Words = Words { $($name: $en,)* };
        const ZH_CN: Words = Words { $($name: $zh,)* };
    };
}

words! {
    step: "step {n} of {all}", "第 {n} 步，共 {all} 步";
    goal: "Goal: ", "目标：";
    keys: ":hint helps, :do does it, :skip goes on, :show repeats this, :help lists all", ":hint 提示，:do 代做，:skip 跳过，:show 重看，:help 列出全部命令";
    reading: "Nothing is to be done here: try what you like. Enter or :next goes on.", "这一步无需完成什么，随意试试。按回车或输入 :next 继续。";
    done: "Done: {title}", "完成：{title}";
    drawn: ":draw shows the lab as it is.", ":draw 画出现在的实验环境。";
    go_on: "Enter or :next goes on.", "按回车或输入 :next 继续。";
    not_yet: "Not yet. :hint helps, :skip goes on without.", "还没有完成。:hint 给提示，:skip 跳过。";
    holds: "Yes, that is it.", "对，正是这样。";
    hint: "Hint {n} of 3: ", "提示 {n}/3：";
    hint_again: ":hint again shows the form of the solution.", "再输入 :hint 可看解法的形式。";
    hint_last: ":hint again shows the solution.", "再输入 :hint 可看答案。";
    hint_form: "the form of the solution", "解法的形式";
    hint_code: "the solution; :do types it for you", "答案；:do 会替你输入";
    hint_or: "or, as commands", "或者用命令";
    hint_nothing: "nothing is wrong; the step is done.", "没有问题，这一步已完成。";
    nothing_to_do: "This step asks for nothing.", "这一步没有要求。";
    first: "This is the first step.", "这已是第一步。";
    made: "What was made, as commands:", "已经做了这些，用命令写出来就是：";
    anew: "The lab was begun anew, as the lesson has it up to here.", "实验环境已重建，恢复到本课这一步的起点。";
    resumed: "Going on where you were; the steps before are set up as the lesson has them. :back goes back.", "从上次的地方继续；前面的步骤已按课程做好。:back 可返回。";
    playing: "Play: nothing is checked until :play again, which puts the lab back.", "自由玩：再次输入 :play 之前不做检查，届时恢复实验环境。";
    spoken: "The languages are {langs}.", "可选语言：{langs}。";
    unspoken: "There is no lesson in `{lang}`.", "没有 `{lang}` 的课程。";
    finished: "That was the last step of this lesson. The lab is yours until :quit.", "本课到此结束。在 :quit 之前，这个实验环境任你使用。";
    next_lesson: "The next lesson: nsx learn {name}  ({title})", "下一课：nsx learn {name}（{title}）";
    failed_check: "The check could not look:", "检查没能进行：";
    list_head: "Lessons; `nsx learn NAME` opens one.", "课程列表；用 `nsx learn 名称` 打开一课。";
    welcome: "A lab of its own: nothing in it touches this machine. What you type is nsx, or ip, ping, iptables …", "独立的实验环境，不会碰到这台机器。可以输入 nsx，也可以输入 ip、ping、iptables 等命令。";
    help_head: "In a lesson there are", "课程中的命令";
    help_hint: "helps: what is wrong now; again, the form of the solution; again, the solution", "提示：先说哪里不对，再给解法的形式，最后给答案";
    help_show: "shows the step again", "重新显示这一步";
    help_do: "does the step as the lesson has it", "按课程的做法完成这一步";
    help_check: "says whether the step is done; it is looked after each input, too", "检查这一步是否完成；每次输入后也会自动检查";
    help_next: "goes on to the next step; so does Enter when this one is done", "进入下一步；完成后按回车也可以";
    help_back: "goes back a step", "返回上一步";
    help_skip: "does the step, says what that made, and goes on", "代做这一步，说明做了什么，然后继续";
    help_play: "lets you try what you like; again, and the lab is put back", "随意尝试；再次输入则恢复实验环境";
    help_lang: "goes on in another language: en, zh-CN", "切换语言：en、zh-CN";
}

impl Lang {
    /// What is said in it.
    pub fn words(self) -> &'static Words {
        match self {
            Lang::En => &EN,
            Lang::ZhCn => &ZH_CN,
        }
    }
}

/// Fills in the `{name}`s of a text.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = text.to_string();
    for (name, value) in values {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled() {
        let words = Lang::ZhCn.words();
        assert_eq!(fill(words.step, &[("n", "2"), ("all", "5")]), "第 2 步，共 5 步");
    }
}
