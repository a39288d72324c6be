//! The tables as Diesel sees them. A test compares this page with a migrated database.
#![expect(missing_docs, reason = "columns are documented in the migrations that make them")]

diesel::table! {
    isp (id) {
        id -> Uuid, slug -> Text, name -> Text, status -> Text, commission_bps -> Nullable<Integer>,
        request_id -> Nullable<Uuid>, request_hash -> Nullable<Bytea>, created_at -> Timestamptz,
        suspended_at -> Nullable<Timestamptz>, suspended_reason -> Text,
    }
}
diesel::table! {
    job (id) {
        id -> Uuid, lane -> Text, kind -> Text, isp_id -> Uuid, subject -> Uuid, run_at -> Timestamptz, wakes -> BigInt,
        attempts -> Integer, claim_token -> Nullable<Uuid>, lease_until -> Nullable<Timestamptz>, last_error -> Nullable<Text>,
        buried_at -> Nullable<Timestamptz>, created_at -> Timestamptz,
    }
}
diesel::table! {
    rate_limit (key) {
        key -> Text, full_at -> Timestamptz,
    }
}
diesel::table! {
    gateway_key (kind, value) {
        kind -> Text, value -> Text, isp_id -> Uuid, payment_id -> Uuid, created_at -> Timestamptz,
    }
}
diesel::table! {
    webhook_delivery (id) {
        id -> Uuid, kind -> Text, isp_id -> Uuid, payment_id -> Uuid, dedup -> Bytea, body -> Bytea, source_ip -> Text,
        deliveries -> Integer, state -> Text, note -> Text, received_at -> Timestamptz, last_at -> Timestamptz,
        done_at -> Nullable<Timestamptz>, named_minor -> Nullable<BigInt>,
    }
}
diesel::table! {
    pulse (id) {
        id -> Bool, beat -> BigInt, at -> Nullable<Timestamptz>, written_at -> Nullable<Timestamptz>, gap_seconds -> Integer,
        uncertain_from -> Nullable<Timestamptz>, uncertain_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    list_walk (kind) {
        kind -> Text, read_until -> Nullable<Timestamptz>, completed_at -> Nullable<Timestamptz>, incomplete_since -> Nullable<Timestamptz>,
        begun_at -> Nullable<Timestamptz>, since -> Nullable<Timestamptz>, page -> Nullable<BigInt>, count -> Nullable<BigInt>, backwards -> Bool,
    }
}
diesel::table! {
    reconciliation_break (id) {
        id -> Uuid, kind -> Text, reference -> Text, isp_id -> Nullable<Uuid>, amount_minor -> Nullable<BigInt>, detail -> Jsonb,
        opened_at -> Timestamptz, closed_at -> Nullable<Timestamptz>, closed_by -> Nullable<Text>, closed_reason -> Nullable<Text>,
        told_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    approval (id) {
        id -> Uuid, act -> Text, subject -> Text, isp_id -> Nullable<Uuid>, amount_minor -> Nullable<BigInt>, content -> Jsonb, note -> Text,
        asked_by -> Uuid, asked_at -> Timestamptz, approved_by -> Nullable<Uuid>, approved_at -> Nullable<Timestamptz>,
        withdrawn_by -> Nullable<Uuid>, withdrawn_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    month_close (id) {
        id -> Uuid, month -> Date, closed_by -> Uuid, closed_at -> Timestamptz, reopened_by -> Nullable<Array<Uuid>>, reopened_at -> Nullable<Timestamptz>,
        reopen_note -> Text,
    }
}
diesel::table! {
    month_close_line (close_id, isp_id, book, account) {
        close_id -> Uuid, isp_id -> Uuid, book -> Text, account -> Text, opening_minor -> BigInt, debit_minor -> BigInt, credit_minor -> BigInt,
    }
}
diesel::table! {
    repair (id) {
        id -> Uuid, kind -> Text, isp_id -> Nullable<Uuid>, payment_id -> Nullable<Uuid>, gateway_reference -> Nullable<Text>,
        receipt -> Nullable<Text>, amount_minor -> BigInt, note -> Text, evidence -> Jsonb, operators -> Array<Uuid>, at -> Timestamptz,
    }
}
diesel::table! {
    token_key (id) {
        id -> Uuid, secret_sealed -> Bytea, created_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.user_account (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, email -> Nullable<Text>, phone -> Nullable<Text>, first_name -> Text, last_name -> Text, role -> Text,
        password_hash -> Nullable<Text>, disabled_at -> Nullable<Timestamptz>, created_at -> Timestamptz, lang -> Text,
        invited_at -> Nullable<Timestamptz>, request_id -> Nullable<Uuid>, request_hash -> Nullable<Bytea>,
    }
}
diesel::table! {
    tenant.one_time_code (tenant_id, purpose, target) {
        tenant_id -> Uuid, purpose -> Text, target -> Text, code_hmac -> Bytea, tries -> Integer, created_at -> Timestamptz,
        expires_at -> Timestamptz, used_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    tenant.link (tenant_id, token_hash) {
        tenant_id -> Uuid, token_hash -> Bytea, purpose -> Text, user_id -> Uuid, email -> Text, created_at -> Timestamptz,
        expires_at -> Timestamptz, used_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    tenant.message (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, channel -> Text, template -> Text, lang -> Text, recipient -> Text, user_id -> Nullable<Uuid>,
        subject -> Text, body -> Nullable<Text>, body_sealed -> Nullable<Bytea>, state -> Text, attempts -> Integer, provider -> Text,
        provider_id -> Text, problem -> Text, created_at -> Timestamptz, expires_at -> Nullable<Timestamptz>, sent_at -> Nullable<Timestamptz>,
        queued_at -> Timestamptz,
    }
}
diesel::table! {
    message_receipt (provider_id) {
        provider_id -> Text, isp_id -> Nullable<Uuid>, message_id -> Nullable<Uuid>, outcome -> Nullable<Text>, problem -> Text,
        created_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.message_template (tenant_id, template, lang) {
        tenant_id -> Uuid, template -> Text, lang -> Text, subject -> Text, body -> Text, updated_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.sign_in (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, user_id -> Uuid, created_at -> Timestamptz, ended_at -> Nullable<Timestamptz>,
        ended_reason -> Nullable<Text>, cookie_hash -> Nullable<Bytea>, address -> Text, user_agent -> Text, last_used_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.refresh_token (tenant_id, token_hash) {
        tenant_id -> Uuid, token_hash -> Bytea, sign_in_id -> Uuid, created_at -> Timestamptz, expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>, successor_salt -> Nullable<Bytea>,
    }
}
diesel::table! {
    tenant.sign_in_failure (tenant_id, identifier_hash) {
        tenant_id -> Uuid, identifier_hash -> Bytea, failures -> Integer, locked_until -> Nullable<Timestamptz>, last_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.branding (tenant_id) {
        tenant_id -> Uuid, display_name -> Text, logo_url -> Text, primary_color -> Text, welcome_title -> Text,
        welcome_message -> Text, support_phone -> Text, support_email -> Text,
    }
}
diesel::table! {
    tenant.registration_settings (tenant_id) {
        tenant_id -> Uuid, allow_self_registration -> Bool, require_phone_verification -> Bool, require_email_verification -> Bool,
        require_id_number -> Bool, auto_approve_customers -> Bool, default_customer_status -> Text, welcome_sms_template -> Text,
    }
}
diesel::table! {
    tenant.counter (tenant_id, name) {
        tenant_id -> Uuid, name -> Text, value -> BigInt,
    }
}
diesel::table! {
    tenant.customer (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, user_id -> Uuid, number -> Integer, customer_code -> Text, status -> Text, status_reason -> Text,
        id_number -> Nullable<Text>, registered_by -> Text, phone_verified_at -> Nullable<Timestamptz>,
        email_verified_at -> Nullable<Timestamptz>, approved_at -> Nullable<Timestamptz>, closed_at -> Nullable<Timestamptz>,
        erased_at -> Nullable<Timestamptz>, request_id -> Uuid, request_hash -> Bytea, created_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.customer_search (tenant_id, word, customer_id) {
        tenant_id -> Uuid, word -> Text, customer_id -> Uuid,
    }
}
diesel::table! {
    tenant.code_sending (tenant_id, phone) {
        tenant_id -> Uuid, phone -> Text, sent_at -> Array<Timestamptz>, last_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.audit_event (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, actor -> Text, act -> Text, subject -> Text, facts -> Jsonb, at -> Timestamptz,
    }
}
diesel::table! {
    tenant.router (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, name -> Text, host -> Text, port -> Integer, use_tls -> Bool, certificate_sha256 -> Nullable<Bytea>,
        username -> Text, password_sealed -> Bytea, hotspot_server -> Text, request_id -> Uuid, request_hash -> Bytea,
        created_at -> Timestamptz, last_seen_at -> Nullable<Timestamptz>, last_error -> Nullable<Text>,
    }
}
diesel::table! {
    tenant.hotspot_plan (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, name -> Text, price_minor -> BigInt, duration_seconds -> Nullable<BigInt>, data_cap_bytes -> BigInt,
        download_kbps -> Integer, upload_kbps -> Integer, shared_devices -> Integer, weekdays -> Array<SmallInt>, router_ids -> Array<Uuid>,
        request_id -> Uuid, request_hash -> Bytea, created_at -> Timestamptz, archived_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    tenant.hotspot_session (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, router_id -> Uuid, plan_id -> Uuid, payment_id -> Uuid, plan_name -> Text, price_minor -> BigInt,
        duration_seconds -> Nullable<BigInt>, data_cap_bytes -> BigInt, download_kbps -> Integer, upload_kbps -> Integer,
        shared_devices -> Integer, phone -> Text, mac -> Nullable<Text>, client_ip -> Nullable<Text>, login_url -> Nullable<Text>,
        status -> Text, username -> Text, password -> Text, logged_in -> Bool, paid_at -> Nullable<Timestamptz>,
        activated_at -> Nullable<Timestamptz>, expires_at -> Nullable<Timestamptz>, router_pending -> Bool,
        router_error -> Nullable<Text>, created_at -> Timestamptz, extends_session -> Nullable<Uuid>,
        taken_back_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    tenant.prompt_block (tenant_id, phone) {
        tenant_id -> Uuid, phone -> Text, until -> Timestamptz,
    }
}
diesel::table! {
    tenant.payment (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, purpose -> Text, subject -> Text, request_id -> Uuid, request_hash -> Bytea,
        external_reference -> Text, amount_minor -> BigInt, commission_bps -> Integer, phone -> Text, state -> Text,
        failure_reason -> Nullable<Text>, gateway_reference -> Nullable<Text>, checkout_id -> Nullable<Text>,
        mpesa_receipt -> Nullable<Text>, claim_token -> Nullable<Uuid>, claim_until -> Nullable<Timestamptz>, polls -> Integer,
        next_poll_at -> Nullable<Timestamptz>, hinted_at -> Nullable<Timestamptz>, submitted_at -> Nullable<Timestamptz>,
        expires_at -> Timestamptz, completed_at -> Nullable<Timestamptz>, created_at -> Timestamptz, updated_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.gateway_observation (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, payment_id -> Uuid, source -> Text, status -> Text, amount_minor -> Nullable<BigInt>,
        receipt -> Nullable<Text>, body -> Jsonb, observed_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.ledger_balance (tenant_id, account) {
        tenant_id -> Uuid, account -> Text, balance_minor -> BigInt,
    }
}
diesel::table! {
    tenant.commission_ledger (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, payment_id -> Uuid, purpose -> Text, gross_minor -> BigInt, commission_bps -> Integer,
        commission_minor -> BigInt, isp_minor -> BigInt, mpesa_receipt -> Nullable<Text>, created_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.service_plan (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, name -> Text, description -> Text, price_minor -> BigInt, period_unit -> Text, period_count -> Integer,
        download_kbps -> Integer, upload_kbps -> Integer, data_cap_bytes -> BigInt, router_profile -> Text, request_id -> Uuid,
        request_hash -> Bytea, created_at -> Timestamptz, archived_at -> Nullable<Timestamptz>, version -> Integer, changed_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.service_request (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, customer_id -> Uuid, category -> Text, subject -> Text, description -> Text, status -> Text,
        reply -> Text, replied_at -> Nullable<Timestamptz>, request_id -> Uuid, request_hash -> Bytea, created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.alert (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, customer_id -> Uuid, kind -> Text, title -> Text, message -> Text, subject_id -> Text,
        created_at -> Timestamptz, read_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    tenant.isp_subscription (tenant_id) {
        tenant_id -> Uuid, plan -> Text, cycle -> Text, trial -> Bool, period_start -> Timestamptz, paid_until -> Timestamptz, anchor_day -> SmallInt,
        next_plan -> Nullable<Text>, next_cycle -> Nullable<Text>, reminded -> SmallInt,
    }
}
diesel::table! {
    tenant.subscription_payment (tenant_id, payment_id) {
        tenant_id -> Uuid, payment_id -> Uuid, plan -> Text, cycle -> Text, applied_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    tenant.payment_seen (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, offline -> Bool, purpose -> Text, amount_minor -> BigInt, state -> Text, phone -> Text, receipt -> Text,
        failure_reason -> Nullable<Text>, created_at -> Timestamptz, completed_at -> Nullable<Timestamptz>, expires_at -> Nullable<Timestamptz>,
        customer_id -> Nullable<Uuid>, invoice_id -> Nullable<Uuid>, plan_id -> Nullable<Uuid>, refunded_minor -> BigInt,
    }
}
diesel::table! {
    tenant.service_plan_version (tenant_id, plan_id, version) {
        tenant_id -> Uuid, plan_id -> Uuid, version -> Integer, name -> Text, price_minor -> BigInt, period_unit -> Text, period_count -> Integer,
        download_kbps -> Integer, upload_kbps -> Integer, data_cap_bytes -> BigInt, router_profile -> Text, valid_from -> Timestamptz,
    }
}
diesel::table! {
    tenant.connection (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, customer_id -> Uuid, plan_id -> Uuid, plan_version -> Integer, billing -> Text, status -> Text,
        suspended_reason -> Text, suspended_note -> Text, period_start -> Nullable<Timestamptz>, paid_until -> Nullable<Timestamptz>,
        anchor_day -> Nullable<SmallInt>, next_act_at -> Nullable<Timestamptz>, access -> Text, router_id -> Nullable<Uuid>,
        username -> Nullable<Text>, password_sealed -> Nullable<Bytea>, installed_at -> Nullable<Timestamptz>, counts_from -> Nullable<Timestamptz>, router_pending -> Bool,
        router_asked -> BigInt, reminded_of -> Nullable<Timestamptz>, paused_at -> Nullable<Timestamptz>,
        router_error -> Nullable<Text>, request_id -> Nullable<Uuid>, request_hash -> Nullable<Bytea>, created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    tenant.connection_leftover (tenant_id, router_id, access, username) {
        tenant_id -> Uuid, router_id -> Uuid, access -> Text, username -> Text, created_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.billing_settings (tenant_id) {
        tenant_id -> Uuid, vat_bps -> Integer, vat_number -> Text, invoice_note -> Text, cash_limit_minor -> BigInt, credit_unused -> Bool,
    }
}
diesel::table! {
    tenant.invoice (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, number -> Integer, invoice_number -> Text, customer_id -> Uuid, connection_id -> Nullable<Uuid>,
        kind -> Text, status -> Text, total_minor -> BigInt, vat_bps -> Integer, vat_minor -> BigInt, paid_minor -> BigInt,
        plan_id -> Nullable<Uuid>, plan_version -> Nullable<Integer>, period_start -> Nullable<Timestamptz>, period_end -> Nullable<Timestamptz>,
        note -> Text, due_at -> Timestamptz, reminded -> SmallInt, issued_at -> Timestamptz, paid_at -> Nullable<Timestamptz>,
        voided_at -> Nullable<Timestamptz>, void_reason -> Text, request_id -> Nullable<Uuid>, request_hash -> Nullable<Bytea>,
    }
}
diesel::table! {
    tenant.invoice_line (tenant_id, invoice_id, line) {
        tenant_id -> Uuid, invoice_id -> Uuid, line -> SmallInt, description -> Text, quantity -> Integer, unit_minor -> BigInt, amount_minor -> BigInt,
    }
}
diesel::table! {
    tenant.offline_payment (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, number -> Integer, receipt_number -> Text, customer_id -> Uuid, invoice_id -> Nullable<Uuid>,
        plan_id -> Nullable<Uuid>, plan_version -> Nullable<Integer>, amount_minor -> BigInt, method -> Text, reference -> Text, note -> Text,
        recorded_by -> Text, received_at -> Timestamptz, request_id -> Uuid, request_hash -> Bytea, created_at -> Timestamptz,
        needs_confirmation -> Bool,
    }
}
diesel::table! {
    tenant.offline_payment_confirmation (tenant_id, offline_payment_id) {
        tenant_id -> Uuid, offline_payment_id -> Uuid, confirmed_by -> Text, confirmed_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.offline_payment_void (tenant_id, offline_payment_id) {
        tenant_id -> Uuid, offline_payment_id -> Uuid, reason -> Text, voided_by -> Text, voided_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.balance_withdrawal (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, customer_id -> Uuid, kind -> Text, amount_minor -> BigInt, reason -> Text, made_by -> Text,
        request_id -> Uuid, request_hash -> Bytea, created_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.customer_payment (tenant_id, payment_id) {
        tenant_id -> Uuid, payment_id -> Uuid, customer_id -> Uuid, invoice_id -> Nullable<Uuid>, plan_id -> Nullable<Uuid>,
        plan_version -> Nullable<Integer>, started_by -> Text,
    }
}
diesel::table! {
    tenant.customer_account (tenant_id, customer_id) {
        tenant_id -> Uuid, customer_id -> Uuid, balance_minor -> BigInt,
    }
}
diesel::table! {
    tenant.customer_entry (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, customer_id -> Uuid, kind -> Text, amount_minor -> BigInt, payment_id -> Nullable<Uuid>,
        offline_payment_id -> Nullable<Uuid>, invoice_id -> Nullable<Uuid>, connection_id -> Nullable<Uuid>, note -> Text, created_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.refund (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, kind -> Text, payment_id -> Uuid, amount_minor -> BigInt, commission_minor -> BigInt, isp_minor -> BigInt,
        excess_minor -> BigInt, reference -> Text, row_name -> Text, note -> Text, operators -> Array<Uuid>, request_id -> Uuid,
        request_hash -> Bytea, created_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.refund_seen (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, kind -> Text, payment_id -> Uuid, amount_minor -> BigInt, commission_minor -> BigInt, isp_minor -> BigInt,
        excess_minor -> BigInt, reference -> Text, row_name -> Text, note -> Text, operators -> Array<Uuid>, created_at -> Timestamptz,
        state -> Text, receipt -> Text, phone -> Text, failure_reason -> Text, completed_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    tenant.payout_config (tenant_id) {
        tenant_id -> Uuid, version -> Integer, payout_method -> Text, mpesa_phone -> Nullable<Text>, mpesa_name -> Text, bank_code -> Text,
        bank_account -> Text, bank_account_name -> Text, settlement_frequency -> Text, minimum_payout_minor -> BigInt, verification_status -> Text,
        verification_tries -> SmallInt, verified_at -> Nullable<Timestamptz>, held_until -> Timestamptz, frozen_at -> Nullable<Timestamptz>,
        frozen_reason -> Text, changed_at -> Timestamptz, contact_phone -> Nullable<Text>,
    }
}
diesel::table! {
    float_reading (wallet, at) { wallet -> Text, at -> Timestamptz, left_minor -> BigInt, }
}
diesel::table! {
    tenant.withdrawal (tenant_id, settlement_id) {
        tenant_id -> Uuid, settlement_id -> Uuid, request_id -> Uuid, fee_minor -> BigInt, asked_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.payout_left (tenant_id) { tenant_id -> Uuid, reason -> Text, message -> Text, period -> Text, at -> Timestamptz, }
}
diesel::table! {
    tenant.settlement (tenant_id, id) {
        tenant_id -> Uuid, id -> Uuid, kind -> Text, period -> Text, part -> SmallInt, amount_minor -> BigInt, covers_from -> Nullable<Timestamptz>,
        covers_until -> Timestamptz, credited_minor -> BigInt, carried_in_minor -> BigInt, carried_out_minor -> BigInt, config_version -> Integer,
        payout_method -> Text, phone -> Text, bank_code -> Text, account -> Text, account_name -> Text, external_reference -> Text, state -> Text,
        failure_reason -> Text, gateway_reference -> Nullable<Text>, receipt -> Text, claim_token -> Nullable<Uuid>,
        claim_until -> Nullable<Timestamptz>, polls -> Integer, hinted_at -> Nullable<Timestamptz>, sent_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>, created_at -> Timestamptz, updated_at -> Timestamptz,
    }
}
diesel::table! {
    tenant.settlement_attempt (tenant_id, settlement_id, number) {
        tenant_id -> Uuid, settlement_id -> Uuid, number -> SmallInt, outcome -> Text, detail -> Text, sent_at -> Timestamptz,
        answered_at -> Nullable<Timestamptz>, ours -> Bool,
    }
}
diesel::table! {
    tenant.settlement_review (tenant_id, settlement_id, operator) {
        tenant_id -> Uuid, settlement_id -> Uuid, operator -> Uuid, outcome -> Text, receipt -> Text, note -> Text, at -> Timestamptz,
    }
}
diesel::table! {
    settlement_amount (settlement_id) {
        settlement_id -> Uuid, isp_id -> Uuid, kind -> Text, amount_minor -> BigInt, reserved_at -> Timestamptz, doubt -> Text,
        sent_at -> Nullable<Timestamptz>,
    }
}
diesel::table! {
    payout_switch (id) {
        id -> Bool, stopped_at -> Nullable<Timestamptz>, stopped_by -> Text, reason -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(settlement, isp, job);
diesel::allow_tables_to_appear_in_same_query!(reconciliation_break, isp);
diesel::allow_tables_to_appear_in_same_query!(branding, isp);
diesel::allow_tables_to_appear_in_same_query!(connection, customer, service_plan, service_plan_version);
diesel::allow_tables_to_appear_in_same_query!(customer_payment, payment);
diesel::allow_tables_to_appear_in_same_query!(customer_account, customer);
diesel::allow_tables_to_appear_in_same_query!(offline_payment, offline_payment_void, offline_payment_confirmation);
diesel::allow_tables_to_appear_in_same_query!(user_account, sign_in, refresh_token);
diesel::allow_tables_to_appear_in_same_query!(customer, user_account, customer_search);
diesel::allow_tables_to_appear_in_same_query!(hotspot_session, payment, hotspot_plan, router, job);
diesel::allow_tables_to_appear_in_same_query!(webhook_delivery, isp);
diesel::allow_tables_to_appear_in_same_query!(service_request, customer);
diesel::allow_tables_to_appear_in_same_query!(service_request, user_account);
diesel::allow_tables_to_appear_in_same_query!(audit_event, isp);
diesel::allow_tables_to_appear_in_same_query!(message, isp);

/// Functions of the hot acts: unlike a statement with ON CONFLICT or an UPDATE, a call keeps its prepared plan.
pub mod functions {
    #![expect(clippy::too_many_arguments, reason = "a function of SQL takes what it writes, column by column")]

    use diesel::sql_types::{Array, BigInt, Bool, Bytea, Integer, Interval, Jsonb, Nullable, Record, Text, Timestamptz, Uuid};

    diesel::define_sql_function! {
        #[sql_name = "public.ask_for_job"]
        fn ask_for_job(id: Uuid, lane: Text, kind: Text, isp: Uuid, subject: Uuid, run_at: Timestamptz, now: Timestamptz) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.take_tokens"]
        fn take_tokens(keys: Array<Text>, bursts: Array<Integer>, refills: Array<Interval>, at: Timestamptz) -> Array<Interval>;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.give_tokens_back"]
        fn give_tokens_back(keys: Array<Text>, refills: Array<Interval>) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.add_words"]
        fn add_words(tenant: Uuid, customer: Uuid, words: Array<Text>) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.close_deliveries"]
        fn close_deliveries(payment: Uuid, state: Text, note: Text, until: Timestamptz, now: Timestamptz) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.keep_code"]
        fn keep_code(tenant: Uuid, purpose: Text, target: Text, hmac: Bytea, now: Timestamptz, expires_at: Timestamptz) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.open_sign_in"]
        fn open_sign_in(
            tenant: Uuid, id: Uuid, user: Uuid, address: Text, user_agent: Text, cookie_hash: Nullable<Bytea>, refresh_hash: Nullable<Bytea>,
            refresh_until: Timestamptz, now: Timestamptz,
        ) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.try_code"]
        fn try_code(tenant: Uuid, purpose: Text, target: Text, hmac: Bytea, tries: Integer, now: Timestamptz) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.wake"]
        fn wake(payloads: Array<Text>) -> Text;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.look_again"]
        fn look_again(tenant: Uuid, connection: Uuid, at: Nullable<Timestamptz>) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.next_number"]
        fn next_number(tenant: Uuid, name: Text) -> BigInt;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.book_hotspot_payments"]
        fn book_hotspot_payments(
            tenants: Array<Uuid>, payments: Array<Uuid>, from: Array<Text>, observations: Array<Uuid>, sources: Array<Text>, amounts: Array<Nullable<BigInt>>,
            receipts: Array<Nullable<Text>>, bodies: Array<Jsonb>, asked_at: Array<Nullable<Timestamptz>>, ledgers: Array<Uuid>, gross: Array<BigInt>,
            commission: Array<BigInt>, jobs: Array<Uuid>, lane: Text, job_kind: Text, now: Timestamptz,
        ) -> Array<Text>;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.keep_callbacks"]
        fn keep_callbacks(
            ids: Array<Uuid>, kinds: Array<Text>, isps: Array<Uuid>, payments: Array<Uuid>, dedups: Array<Bytea>, bodies: Array<Bytea>, source_ips: Array<Text>,
            readable: Array<Bool>, named: Array<Nullable<BigInt>>, every: Interval, jobs: Array<Uuid>, lanes: Array<Text>, job_kinds: Array<Text>, now: Timestamptz,
        ) -> Array<Text>;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.session_applied"]
        fn session_applied(
            tenant: Uuid, id: Uuid, status: Text, mac: Nullable<Text>, logged_in: Bool, ends: Nullable<Timestamptz>, job: Uuid, lane: Text, job_kind: Text,
            now: Timestamptz,
        ) -> Bool;
    }
    /// What is read of a payment, as `tenant.found_payment` lists it.
    pub type PaymentFields = (
        Uuid,
        Text,
        Text,
        Bytea,
        Text,
        BigInt,
        Integer,
        Text,
        Text,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Uuid>,
        Nullable<Timestamptz>,
        Integer,
        Nullable<Timestamptz>,
        Nullable<Timestamptz>,
        Timestamptz,
        Timestamptz,
    );
    /// A row of `tenant.found_payment`.
    pub type FoundPayment = Record<PaymentFields>;
    diesel::define_sql_function! {
        #[sql_name = "tenant.find_payments"]
        fn find_payments(tenants: Array<Uuid>, payments: Array<Uuid>) -> Array<Nullable<FoundPayment>>;
    }
    /// A row of `public.claimed_job`: id, kind, ISP, subject, attempts, wakes.
    pub type ClaimedJob = Record<(Uuid, Text, Uuid, Uuid, Integer, BigInt)>;
    diesel::define_sql_function! {
        #[sql_name = "public.claim_jobs"]
        fn claim_jobs(lane: Text, now: Timestamptz, longest: BigInt, newest: BigInt, token: Uuid, lease_until: Timestamptz) -> Array<ClaimedJob>;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.finish_jobs"]
        fn finish_jobs(ids: Array<Uuid>, tokens: Array<Uuid>, wakes: Array<BigInt>) -> Array<Uuid>;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.credited"]
        fn credited(tenant: Uuid, from: Nullable<Uuid>, before: Nullable<Uuid>) -> BigInt;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.take_turn_of_amounts"]
        fn take_turn_of_amounts() -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.given_out"]
        fn given_out(isp: Uuid, since: Timestamptz) -> Array<BigInt>;
    }
    diesel::define_sql_function! {
        #[sql_name = "public.answer_deliveries"]
        fn answer_deliveries(payment: Uuid, amount: Nullable<BigInt>, until: Timestamptz, now: Timestamptz) -> Array<Uuid>;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.book_payment"]
        fn book_payment(
            tenant: Uuid, payment: Uuid, from: Text, observation: Uuid, source: Text, amount: Nullable<BigInt>, receipt: Nullable<Text>, body: Jsonb,
            ledger: Uuid, kind: Text, accounts: Array<Text>, amounts: Array<BigInt>, now: Timestamptz,
        ) -> Text;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.roll_revenue"]
        fn roll_revenue(tenant: Uuid, until: Timestamptz) -> Timestamptz;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.post"]
        fn post(tenant: Uuid, id: Uuid, kind: Text, reference: Uuid, at: Timestamptz, accounts: Array<Text>, amounts: Array<BigInt>) -> Bool;
    }
    diesel::define_sql_function! {
        #[sql_name = "tenant.move_account"]
        fn move_account(
            tenant: Uuid, id: Uuid, customer: Uuid, kind: Text, amount: BigInt, payment: Nullable<Uuid>, offline: Nullable<Uuid>, invoice: Nullable<Uuid>,
            connection: Nullable<Uuid>, note: Text, now: Timestamptz,
        ) -> BigInt;
    }
}
