//! Maandishi ya Kiswahili: the Swahili texts, in the same order as the English ones.

use super::{FieldError, Saying, Texts};

pub(super) const TEXTS: Texts = Texts {
    get_online: "Ingia mtandaoni",
    choose_plan: "Chagua kifurushi",
    no_plans: "Hakuna vifurushi vinavyouzwa hapa kwa sasa. Tafadhali jaribu tena baadaye.",
    mpesa_number: "Nambari yako ya M-Pesa",
    number_example: "0712 345 678",
    prompt_comes: "Ombi la malipo litakuja kwenye simu hii.",
    pin_only_on_phone: "Weka PIN yako kwenye ombi la M-Pesa kwenye simu yako pekee. Hatuiulizi kamwe hapa.",
    pay: "Lipa kwa M-Pesa",
    already_paid: "Umeshalipa?",
    already_paid_here: "Rudi mtandaoni kwa risiti yako ya M-Pesa",
    unwanted_prompt: "Umepata ombi la malipo ambalo hukuliomba?",
    need_help: "Unahitaji usaidizi? Piga",
    back_to_plans: "Rudi kwenye vifurushi",
    try_again: "Jaribu tena",
    buy_again: "Chagua kifurushi",
    check_now: "Angalia sasa",

    plan: "Kifurushi",
    price: "Bei",
    phone: "Simu",
    receipt: "Risiti ya M-Pesa",
    data_left: "Data iliyobaki",
    valid: "Inatumika",
    keep_open: "Ukurasa huu unajisasisha wenyewe. Ukifungika, ingia tena kwenye WiFi kisha uchague “Umeshalipa?”.",
    may_close: "Unaweza kufunga ukurasa huu. Tunza SMS ya M-Pesa: kwa risiti yake, “Umeshalipa?” itakurudisha hapa.",
    steps: ["Angalia simu yako", "Weka PIN yako ya M-Pesa", "Uko mtandaoni"],

    sending: Saying { title: "Tunatuma ombi…", body: "Hivi punde M-Pesa itakuuliza PIN yako kwenye simu yako." },
    waiting: Saying { title: "Angalia simu yako", body: "Weka PIN yako ya M-Pesa ili ulipe." },
    checking: Saying {
        title: "Tunauliza M-Pesa…",
        body: "Bado hatujapata jibu kamili kutoka M-Pesa na tunaendelea kuuliza. Ikiwa uliweka PIN yako, tafadhali usilipe tena: malipo yakithibitishwa tu, utakuwa mtandaoni.",
    },
    connecting: Saying { title: "Umelipa. Tunakuunganisha…", body: "Inachukua sekunde chache. Muda wako unaanza ukishaingia mtandaoni." },
    moving: Saying { title: "Tunaunganisha kifaa hiki…", body: "Tumepata malipo yako. Hii inachukua sekunde chache." },
    router_offline: Saying {
        title: "Umelipa. WiFi haijibu kwa sasa",
        body: "Pesa yako iko salama kwetu na muda wako haujaanza. Mitambo ya WiFi hapa imezima au haifikiki. Tunaendelea kujaribu kwa saa 24 na tutakuunganisha itakaporudi: muda wako utaanza wakati huo tu.",
    },
    ended: Saying { title: "Kifurushi chako kimeisha", body: "Muda au data uliyolipia imeisha. Chagua kifurushi ili uendelee." },

    cancelled: Saying { title: "Malipo yameghairiwa", body: "Ombi lilighairiwa kwenye simu. Hakuna pesa iliyolipwa. Jaribu tena wakati wowote." },
    insufficient_funds: Saying {
        title: "Pesa haitoshi kwenye M-Pesa",
        body: "Hakuna pesa iliyolipwa. Ongeza pesa kwenye M-Pesa, lipa kwa nambari nyingine, au chagua kifurushi kidogo.",
    },
    wrong_pin: Saying {
        title: "PIN haikuwa sahihi",
        body: "M-Pesa haikukubali PIN hiyo, kwa hivyo hakuna pesa iliyolipwa. Jaribu tena na uweke PIN kwa makini.",
    },
    timed_out: Saying {
        title: "Hakuna jibu kwa wakati",
        body: "Ombi kwenye simu yako limepitwa na wakati. Ikiwa uliweka PIN, tafadhali usilipe tena: subiri hapa, na utakuwa mtandaoni mara tu M-Pesa itakapothibitisha. Ikiwa hukuweka, unaweza kujaribu tena sasa.",
    },
    phone_unreachable: Saying {
        title: "Hatukuweza kufikia simu yako",
        body: "Malipo hayakufanyika. Hakikisha simu imewashwa, ina mtandao, na nambari ni sahihi. Kisha jaribu tena.",
    },
    limit_exceeded: Saying {
        title: "Umefikia kikomo cha M-Pesa",
        body: "Malipo hayakufanyika: M-Pesa hairuhusu nambari hii kulipa kiasi hiki kwa sasa. Jaribu nambari nyingine au kifurushi kidogo.",
    },
    gateway_error: Saying {
        title: "Malipo hayakufaulu",
        body: "Huduma ya malipo haikuweza kuyapokea. Si kosa lako, na hakuna pesa iliyolipwa. Tafadhali jaribu tena baada ya dakika chache.",
    },

    online: Saying { title: "Uko mtandaoni", body: "Furahia intaneti." },
    one_tap: Saying { title: "Bonyeza mara moja uingie mtandaoni", body: "Malipo yako yamefika na kila kitu kiko tayari." },
    ready_elsewhere: Saying {
        title: "Kila kitu kiko tayari",
        body: "Inaonekana kifaa hiki hakiko kwenye WiFi. Ingia kwenye WiFi, fungua tovuti yoyote, kisha uchague “Umeshalipa?” kwenye ukurasa utakaotokea.",
    },
    go_online: "Ingia mtandaoni",
    start_browsing: "Anza kuvinjari",
    close_page: "Unaweza kufunga ukurasa huu.",

    resume: Saying { title: "Umeshalipa?", body: "Tuambie simu iliyolipa na risiti, na kifaa hiki kitaingia mtandaoni kwa muda uliobaki." },
    paying_phone: "Nambari ya simu iliyolipa",
    receipt_label: "Risiti ya M-Pesa",
    receipt_hint: "Herufi na tarakimu 10 mwanzoni mwa SMS ya M-Pesa, kama QK12AB34CD.",
    resume_button: "Rudi mtandaoni",

    not_me: Saying {
        title: "Je, ni mtu mwingine aliyeomba?",
        body: "Ikiwa ombi la malipo lilikuja kwenye simu yako na hukuliomba, lighairi tu. Tupe nambari hiyo na hatutaitumia maombi mengine kwa saa 24.",
    },
    prompted_phone: "Nambari yako ya simu",
    not_me_button: "Zuia maombi kwa nambari hii",
    not_me_done: Saying { title: "Tayari. Tumezuia", body: "Ikiwa ombi bado liko kwenye skrini, lighairi tu." },
    no_money_without_pin: "Hakuna pesa inayotoka kwenye simu yako bila wewe kuweka PIN.",

    unknown_isp: Saying { title: "Hatuijui anwani hii", body: "Hakuna mtoa huduma wa WiFi hapa. Ingia tena kwenye WiFi, kisha ufungue tovuti yoyote." },
    unknown_router: Saying {
        title: "Hatuijui WiFi hii",
        body: "Ukurasa huu si wa WiFi yoyote tunayoijua. Ingia tena kwenye WiFi, kisha ufungue tovuti yoyote.",
    },
    plan_not_found: Saying { title: "Kifurushi hiki hakiuzwi tena", body: "Hakuna pesa iliyotozwa. Tafadhali chagua kifurushi kingine." },
    purchase_not_found: Saying { title: "Hatuoni ununuzi huu", body: "Huenda anwani haijakamilika. Ikiwa umelipa, rudi mtandaoni kwa risiti yako ya M-Pesa." },
    closed_for_now: Saying { title: "Tumefunga kwa sasa", body: "Mtoa huduma wa WiFi hii hawezi kuuza kwa sasa. Hakuna pesa iliyotozwa." },
    too_many_tries: Saying { title: "Subiri kidogo, tafadhali", body: "Hii hulinda simu za watu wote dhidi ya maombi yasiyotakiwa." },
    form_refused: Saying { title: "Hatukuweza kupokea fomu hii", body: "Hakuna pesa iliyotozwa. Rudi kwenye vifurushi ujaribu tena hapo." },
    server_trouble: Saying {
        title: "Kuna hitilafu hapa kwetu",
        body: "Ni kosa letu, si lako. Tafadhali jaribu tena baada ya dakika moja. Ikiwa umelipa, malipo yako hayajapotea.",
    },
    trouble_number: "Kumbukumbu:",
};

pub(super) fn field_error(error: FieldError) -> &'static str {
    match error {
        FieldError::PhoneMissing => "Tafadhali weka nambari yako ya simu.",
        FieldError::PhoneInvalid => "Hii si nambari ya simu ya Kenya. Iandike kama 0712\u{a0}345\u{a0}678 au 0110\u{a0}345\u{a0}678.",
        FieldError::PhoneBlocked => "Mwenye nambari hii aliomba tusitume maombi ya malipo kwa sasa. Tafadhali tumia nambari nyingine.",
        FieldError::PhoneBusy => "Bado kuna ombi la malipo kwenye simu hii. Lijibu au ulighairi kwanza.",
        FieldError::PlanMissing => "Tafadhali chagua kifurushi.",
        FieldError::PlanNotAvailable => "Kifurushi hicho hakiuzwi tena hapa. Tafadhali chagua kingine.",
        FieldError::ReceiptMissing => "Tafadhali weka risiti ya M-Pesa.",
        FieldError::ReceiptInvalid => "Risiti ina herufi na tarakimu 10, kama QK12AB34CD.",
        FieldError::ReceiptNotFound => "Hatuoni malipo yenye nambari hii ya simu na risiti hii. Zilinganishe na SMS ya M-Pesa.",
        FieldError::PurchaseEnded => "Tumeona malipo yako, lakini muda au data yake imeisha.",
    }
}
