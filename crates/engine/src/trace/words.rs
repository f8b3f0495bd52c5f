//! The words of a trace. Numbers are stored and never change meaning; new words take the next free number.

/// A word with a stored number and a text.
pub trait Word: Copy + Sized + 'static {
    /// All words with their numbers and texts.
    const ALL: &'static [(Self, u8, &'static str)];

    /// The stored number.
    fn number(self) -> u8;

    /// The word of a stored number.
    fn of(number: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, own, _)| *own == number)
            .map(|(word, ..)| *word)
    }

    /// The text.
    fn text(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, own, _)| *own == self.number())
            .map_or("", |(.., text)| text)
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal $text:literal;)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = $text] $variant = $number,)* }

        impl Word for $name {
            const ALL: &'static [(Self, u8, &'static str)] = &[$((Self::$variant, $number, $text),)*];

            fn number(self) -> u8 {
                self as u8
            }
        }
    )*};
}

words! {
    /// A setting that can decide.
    Setting {
        LocalAuth = 1 "local_auth";
        BackEndAuth = 2 "back_end_auth";
        GroupCheck = 3 "group_check";
        AcceptedDomains = 4 "accepted_domains";
        DefaultDomain = 5 "default_domain";
        GenericStatusCodes = 6 "generic_status_codes";
        AdminsMayAuthenticate = 7 "admins_may_authenticate";
        DynamicUserRegistration = 8 "dynamic_user_registration";
        PasswordAutolearn = 9 "password_autolearn";
        StoredPasswordProxy = 10 "stored_password_proxy";
        UserLockThreshold = 11 "user_lock_threshold";
        MaxUnlockAttempts = 12 "max_unlock_attempts";
        MinLockDuration = 13 "min_lock_duration_min";
        LockRestart = 14 "lock_restart";
        LockDurationMultiplier = 15 "lock_duration_multiplier";
        MaxDaysBetweenAuthentications = 16 "max_days_between_authentications";
        AssignmentMode = 17 "assignment_mode";
        AuthenticatorTypes = 18 "authenticator_types";
        ApplicationNames = 19 "application_names";
        ApplicationType = 20 "application_type";
        MultipleApplications = 21 "multiple_applications";
        PinChangeAllowed = 22 "pin_change_allowed";
        OneStepChallenge = 23 "one_step_challenge";
        OneStepChallengeLength = 24 "one_step_challenge_length";
        ChallengeRequestMethod = 25 "challenge_request_method";
        ChallengeCheckMode = 26 "challenge_check_mode";
        IdentificationTimeWindow = 27 "identification_time_window";
        DynamicTimeWindow = 28 "dynamic_time_window";
        InitialTimeWindow = 29 "initial_time_window_h";
        InitialWindowProof = 30 "initial_window_proof";
        EventWindow = 31 "event_window";
        IdentificationThreshold = 32 "identification_threshold";
        CheckInactiveDays = 33 "check_inactive_days";
        SecondOtpSync = 34 "second_otp_sync";
        OtpWarning = 35 "otp_warning";
        RadiusProtocols = 36 "radius_protocols";
        PasswordMaxAge = 37 "pw_max_age_days";
        PasswordMinAge = 38 "pw_min_age_days";
        PasswordRules = 39 "pw_min_length";
        PasswordHistory = 40 "pw_history";
        ChallengeMaxAge = 41 "challenge.max_age_s";
        ChallengeMaxOutstanding = 42 "challenge.max_outstanding";
        SecureChannel = 43 "secure_channel";
        PushRequestMethod = 44 "push_request_method";
        VirtualRequestMethod = 45 "virtual_request_method";
        BackupVirtual = 46 "backup_virtual";
        BackupVirtualRequestMethod = 47 "backup_virtual_request_method";
        SkipInitialSync = 48 "skip_initial_sync";
        ComponentChallenges = 49 "challenges";
        HostCode = 50 "host_code";
        NameResolution = 51 "name_resolution";
        ClientGroupCheck = 52 "client_group_check";
        BackEndProtocol = 53 "back_end_protocol";
        UserInfoSync = 54 "user_info_sync";
        TypeLimits = 55 "type_limits";
        SearchUpOrgUnits = 56 "search_up_org_units";
        PasswordRandomization = 57 "password_randomization";
    }

    /// How user ID and domain were found (authentication.md 3.1).
    Resolution {
        Separate = 1 "the domain was sent separately";
        AtDomain = 2 "the user ID ends in @ and the name of a domain";
        PolicyDefault = 3 "the policy's default domain";
        Master = 4 "the master domain";
        NoSuchDomain = 5 "the domain does not exist";
        NotAccepted = 6 "the domain is not among the policy's accepted domains";
        Unreadable = 7 "the user ID or the password cannot be read";
        TooLong = 8 "the user ID is longer than 255 characters";
        Empty = 9 "the user ID is empty";
        Directory = 10 "the directory knows whom the name means";
        NotInDirectory = 11 "the directory knows nobody of the name";
    }

    /// A condition.
    Check {
        AccountExists = 1 "an account exists";
        Enabled = 2 "the account is enabled";
        NotExpired = 3 "the account has not expired (days past)";
        NotSuspended = 4 "the account was used recently enough (days since the last success, limit)";
        NotLocked = 5 "the account is not locked (failures in a row, threshold)";
        UnlockAttempt = 6 "an unlock attempt is due (minutes still to wait, attempts used)";
        AttemptsLeft = 7 "unlock attempts are left (used, allowed)";
        MayAuthenticate = 8 "administrators may authenticate here";
        SomethingToCheck = 9 "local or back-end authentication is on";
        CallCheck = 10 "the request is no call check";
        LocalResponsible = 11 "local authentication is responsible for authenticator data";
        Protocol = 12 "the password protocol is allowed";
        OneApplication = 13 "the number of candidate applications (seen, allowed)";
        Owned = 14 "authenticators owned, expired ones among them (owned, usable)";
        Grace = 15 "the grace period runs (days left)";
        PasswordAge = 16 "the static password is young enough (days old, limit)";
        Challenge = 17 "the challenge is known";
        ChallengeAge = 18 "the challenge is young enough (seconds old, limit)";
        ChallengeNewest = 19 "the challenge is the newest of its application (its number, newest number)";
        ChallengeOwner = 20 "the challenge belongs to this user and component type";
        ChallengeAnswered = 21 "wrong answers to the challenge (seen, limit)";
        ChallengeRoom = 22 "challenges outstanding (seen, limit)";
        Carries = 23 "the client can carry a challenge";
        OneStep = 24 "1-step challenges are on (length)";
        CheckMode = 25 "the challenge check mode allows 1-step responses (mode, needed)";
        PinChange = 26 "the PIN change is allowed and the new PIN long enough (length, least)";
        PinFirst = 27 "a PIN is set and need not be changed";
        HostCode = 28 "the application can make host codes";
        Administrator = 29 "the account has the privilege admin.logon";
        Autolearn = 30 "the stored password may be updated";
        Confirmed = 31 "new value and confirmation are equal";
        Strength = 32 "the new password keeps the rules";
        Opens = 33 "sealed fields open";
        Record = 34 "the records can be read";
        SelfAssign = 35 "self-assignment is allowed";
        HashChallenge = 36 "no challenge was asked for inside a hash protocol";
        BackEnd = 37 "the back-end's part of the input was given";
        Answered = 38 "somebody could be asked";
        Lock = 39 "failures in a row after this request (counted, threshold)";
        Registers = 40 "an account may be made";
        Assignable = 41 "the authenticator may be given to this user";
        Forwarded = 42 "the password was passed on as it came, so that a question of the back-end can be passed on";
        TakesHashes = 43 "a back-end can check a password hash";
        Envelope = 44 "the encrypted change can be read, is young enough, new and of this user";
        Randomises = 45 "the password in the directory can be replaced";
    }

    /// Why an application is no candidate.
    Excluded {
        Inactive = 1 "the application is switched off";
        Disabled = 2 "the authenticator is disabled";
        Expired = 3 "the authenticator has expired";
        NotStarted = 4 "the authenticator is not usable yet";
        TypeFilter = 5 "authenticator_types leaves its type out";
        NameFilter = 6 "application_names leaves it out";
        KindFilter = 7 "application_type leaves its kind out";
        OtherSerial = 8 "the request names another serial";
        NoOtp = 9 "it makes no one-time passwords for a logon";
        Unopened = 10 "its sealed key or PIN does not open";
        SecureOnly = 11 "secure_channel = required leaves it out";
    }

    /// The reading of an input.
    Shape {
        Otp = 1 "password? PIN? OTP";
        PinChange = 2 "password? PIN? OTP and a new PIN twice";
        Password = 3 "static password";
        Response = 4 "response to a challenge";
        Separate = 5 "separate fields";
        Hash = 6 "hash";
        ChallengeRequest = 7 "request for a challenge";
        VirtualRequest = 8 "request for a virtual OTP";
        BackupRequest = 9 "request for a backup virtual OTP";
        PushRequest = 10 "request for a push";
        SelfAssignment = 11 "self-assignment";
        ChangedPassword = 12 "changed static password before the OTP";
        Update = 13 "change of the static password";
        SecondOtp = 14 "the OTP after the one that was out of the window";
        Empty = 15 "nothing to check";
    }

    /// How one candidate judged.
    Result {
        Accepted = 1 "accepted";
        Wrong = 2 "no value of the window";
        Used = 3 "a used value";
        TooFar = 4 "a value outside the window";
        WrongPin = 5 "the PIN did not match";
        NoReading = 6 "the input has not the form it needs";
        Threshold = 7 "locked by its own threshold";
        Inactive = 8 "unused for too long";
        Outermost = 9 "right only at the outermost offset, which otp_warning rejects";
        Resync = 10 "outside the window, the next value is wanted";
        Resynchronised = 11 "the next value came: resynchronised";
        WrongStep = 12 "a response was already verified in this time step";
        NextMissed = 13 "not the value after the one that was outside the window";
        FrontMissing = 14 "right, but the static password the back-end needs is missing";
        FrontUnknown = 15 "right, but the static part is not the stored password and no back-end can be asked";
        PinRefused = 16 "right, but the PIN change is refused or missing";
        BackupOnly = 17 "backup_virtual = required takes no ordinary values";
    }

    /// Something only the shell can find out.
    What {
        Verify = 1 "the stored password";
        Hash = 2 "a verifier of the new password";
        BackEnd = 3 "the back-end";
        Groups = 4 "the groups of the user";
        Deliver = 5 "delivery of a virtual OTP";
        Push = 6 "push or scan";
        SelfAssign = 7 "self-assignment";
        Resolve = 8 "the name in the directory";
        UserInfo = 9 "the user information";
        Free = 10 "a free authenticator";
        Serial = 11 "the authenticator of the serial";
        Change = 12 "the new password at the back-end";
    }

    /// What a back-end said.
    Saying {
        Yes = 1 "yes";
        No = 2 "no";
        Locked = 3 "the account is locked there";
        Expired = 4 "the password has expired";
        Disabled = 5 "the account is disabled there";
        Weak = 6 "the new password breaks the rules there";
        Challenge = 7 "another question";
        Found = 8 "found";
        NotFound = 9 "not found";
        Unusable = 10 "an attribute cannot be taken over";
        HashRefused = 11 "it cannot check a password hash";
        Unsupported = 12 "it does not offer this";
        Unreachable = 13 "no server answered";
        Nobody = 14 "no server serves the domain";
        Busy = 15 "the limit of requests in work is reached";
    }
}
